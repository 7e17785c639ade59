"""What the Debian package puts where: paths, modes and bytes, nothing written yet.

The code is one zip that Python runs: dpkg replaces a file at once, a folder of modules it would replace one by one, and a power cut
in between would leave a first stage that is half old and half new on a board that nobody can reach.
"""

import gzip
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from flash_tools.errors import ToolError
from flash_tools.images import zip_image

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).resolve().parent / "data"
UNITS = ROOT / "ports/cpython_linux/systemd"
PYZ = "usr/lib/fumo-agent/fumo-agent.pyz"
CONFIG = "etc/fumo-agent/config.toml"
NEEDRESTART = "etc/needrestart/conf.d/fumo-agent.conf"
_FOLDERS = ("agent", "hal", "board", "ports/cpython_linux")
_DOC, _EXECUTABLE = "usr/share/doc/fumo-agent/", 0o755
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+~]*\Z")


@dataclass(frozen=True)
class File:
    """One file of the package; `path` is from the root, without a leading slash."""

    path: str
    data: bytes
    mode: int = 0o644


def debian_version(version: str) -> str:
    """Return the version as Debian sorts it: 1.0rc1 comes before 1.0."""
    text = re.sub(r"(a|b|rc|\.dev)(\d+)\Z", r"~\1\2", version).replace("~.", "~")
    if not _VERSION.match(text):
        raise ToolError("%r is no version of a package: digits first, then letters, digits, dots, + or ~" % version)
    return text


def modules(root: Path = ROOT) -> dict[str, bytes]:
    """Return the modules of the zip by their paths, its `__main__` included."""
    found = {
        "__main__.py": (DATA.parent / "launch.py").read_bytes(),
        "ports/__init__.py": (root / "ports/__init__.py").read_bytes(),
    }
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def files(version: str, epoch: int) -> list[File]:
    """Return the files of the package, sorted by path."""
    marks = {"VERSION": version, "DATE": _date(epoch), "DAY": _date(epoch, "%Y-%m-%d")}
    found = [
        File(PYZ, zip_image.build(modules(), deflated=True)),
        File("usr/bin/fumo-agent", (DATA / "launcher.sh").read_bytes(), _EXECUTABLE),
        File(CONFIG, (DATA / "config.toml").read_bytes()),
        File("etc/fumo-agent/conf.d/.keep", b""),
        File(NEEDRESTART, (DATA / "needrestart.conf").read_bytes()),
        File("lib/systemd/system/fumo-agent.service", (UNITS / "fumo-agent.service").read_bytes()),
        File("lib/udev/rules.d/60-fumo-agent.rules", (UNITS / "60-fumo-agent.rules").read_bytes()),
        File("usr/lib/sysusers.d/fumo-agent.conf", (UNITS / "fumo-agent.sysusers").read_bytes()),
        File("usr/share/man/man1/fumo-agent.1.gz", _gzip(filled("fumo-agent.1", marks))),
        File(_DOC + "README.md", (DATA / "README.md").read_bytes()),
        File(_DOC + "copyright", (DATA / "copyright").read_bytes()),
        File(_DOC + "changelog.gz", _gzip(filled("changelog", marks))),
    ]
    found += [
        File(_DOC + "examples/" + path.name, path.read_bytes()) for path in sorted((UNITS / "examples").iterdir())
    ]
    return sorted(found, key=lambda file: file.path)


def filled(name: str, marks: dict[str, str]) -> bytes:
    """Return a file of `data/` with its @MARKS@ filled in."""
    text = (DATA / name).read_text()
    for mark, value in marks.items():
        text = text.replace("@%s@" % mark, value)
    return text.encode()


def _gzip(data):
    return gzip.compress(data, 9, mtime=0)


def _date(epoch, form=None):
    moment = datetime.fromtimestamp(epoch, UTC)
    return moment.strftime(form) if form else format_datetime(moment)
