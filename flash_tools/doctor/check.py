"""What a check of `fumo doctor` is: a name, a verdict, one line that says what, one that says what to do."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

OK, WARN, FAIL, SKIP = "ok", "warn", "fail", "skip"


@dataclass(frozen=True)
class Check:
    """What one check has found."""

    name: str
    verdict: str
    what: str
    do: str = ""

    def as_dict(self) -> dict:
        """Return it for JSON."""
        return asdict(self)


def ok(name: str, what: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, OK, what)


def warn(name: str, what: str, do: str) -> Check:
    """Return a check that found what may be wrong."""
    return Check(name, WARN, what, do)


def fail(name: str, what: str, do: str) -> Check:
    """Return a check that found what is wrong."""
    return Check(name, FAIL, what, do)


def skip(name: str, what: str) -> Check:
    """Return a check that could not be made."""
    return Check(name, SKIP, what)


@dataclass(frozen=True)
class Host:
    """Where a host's facts are, and who asks: tests give other ones."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    dev: Path = Path("/dev")
    run: Path = Path("/run")
    user: int = field(default_factory=os.geteuid)
    groups: tuple[int, ...] = field(default_factory=lambda: (os.getegid(), *os.getgroups()))
    etc: Path = Path("/etc")
    root: Path = Path("/")
    who: str = ""  # the service's user, where that one is judged and not who asks

    def at(self, path: str) -> Path:
        """Return where a file is that is called `path` on the machine: below the folder that stands for /dev, /run, ..."""
        for name in ("dev", "run", "sys", "proc", "etc"):
            if path == "/" + name or path.startswith("/%s/" % name):
                return getattr(self, name) / path[len(name) + 2 :]
        return self.root / path.lstrip("/")


def read(path: Path) -> str:
    """Return the text of a small file, "" where it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def number(path: Path) -> int | None:
    """Return the number in a small file."""
    try:
        return int(read(path), 0)
    except ValueError:
        return None
