"""MicroPython's source as Debian has it, by a package list of our own: the machine's apt and dpkg are not touched."""

import shutil
from pathlib import Path

from flash_tools.errors import NotFoundError
from flash_tools.rig.emulator import packages
from flash_tools.rig.emulator.commands import call

SUITE, NAME, VERSION = "trixie", "micropython", "1.25.0+ds-1"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def fetch(folder: Path) -> Path:
    """Have the unpacked source in `folder`/source, downloaded where it is not there, and return that folder."""
    source = folder / "source"
    if source.is_dir():
        return source
    down, part = folder / "download", folder / "source.part"
    down.mkdir(parents=True, exist_ok=True)
    if not _description(down):
        settings = {"APT_CONFIG": str(_settings(folder / "apt"))}
        call("apt-get", "-qq", "update", environment=settings)
        words = ("-qq", "source", "--download-only", "%s=%s" % (NAME, VERSION))
        call("apt-get", *words, cwd=down, environment=settings)
    shutil.rmtree(part, ignore_errors=True)
    call("dpkg-source", "--no-copy", "-q", "-x", _description(down), part)
    part.rename(source)
    return source


def _description(folder):
    return next(iter(folder.glob("*.dsc")), None)


def _settings(folder):
    """Write apt's settings for a state of its own; options of the machine such as a proxy still hold."""
    if not _KEYRING.exists():
        raise NotFoundError("there is no %s: install the Debian package debian-archive-keyring" % _KEYRING)
    for name in ("lists/partial", "archives/partial", "parts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text("")
    (folder / "sources.list").write_text("deb-src [signed-by=%s] %s %s main\n" % (_KEYRING, packages.mirror(), SUITE))
    values = {
        "APT::Sandbox::User": "root",
        "Dir::State": folder,
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": folder / "parts",
    }
    settings = folder / "apt.conf"
    settings.write_text("".join('%s "%s";\n' % pair for pair in values.items()))
    return settings
