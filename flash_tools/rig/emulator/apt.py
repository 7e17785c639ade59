"""Debian's packages by a package list of our own: the machine's apt and dpkg are not touched."""

import re
from pathlib import Path

from flash_tools.errors import NotFoundError

_MIRROR = "http://deb.debian.org/debian"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SOURCES = Path("/etc/apt")


def environment(folder: Path, kind: str, suite: str, architecture: str = "") -> dict[str, str]:
    """Make a state for apt in `folder` and return the environment that has apt use it; `kind` is deb or deb-src.

    Options of the machine such as a proxy still hold.
    """
    if not _KEYRING.exists():
        raise NotFoundError("there is no %s: install the Debian package debian-archive-keyring" % _KEYRING)
    for name in ("lists/partial", "archives/partial", "parts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text("")
    (folder / "sources.list").write_text("%s [signed-by=%s] %s %s main\n" % (kind, _KEYRING, mirror(), suite))
    values = {
        "APT::Sandbox::User": "root",
        "Dir::State": folder,
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": folder / "parts",
    }
    lines = ['%s "%s";' % pair for pair in values.items()]
    if architecture:
        lines += ['APT::Architectures { "%s"; };' % architecture, 'APT::Architecture "%s";' % architecture]
    settings = folder / "apt.conf"
    settings.write_text("\n".join(lines) + "\n")
    return {"APT_CONFIG": str(settings)}


def mirror(sources: Path = _SOURCES) -> str:
    """Return the Debian mirror that this machine uses."""
    files = [sources / "sources.list", *sorted(sources.glob("sources.list.d/*"))]
    for file in files:
        text = file.read_text(errors="replace") if file.is_file() else ""
        for line in text.splitlines():
            found = re.match(r"(?:URIs:|deb )[^#]*?(https?://\S+/debian)/?(?:\s|$)", line)
            if found:
                return found[1]
    return _MIRROR
