"""MicroPython's source as Debian has it, by a package list of our own: the machine's apt and dpkg are not touched."""

import shutil
from pathlib import Path

from flash_tools.rig.emulator import apt
from flash_tools.rig.emulator.commands import call

SUITE, NAME, VERSION = "trixie", "micropython", "1.25.0+ds-1"


def fetch(folder: Path) -> Path:
    """Have the unpacked source in `folder`/source, downloaded where it is not there, and return that folder."""
    source = folder / "source"
    if source.is_dir():
        return source
    down, part = folder / "download", folder / "source.part"
    down.mkdir(parents=True, exist_ok=True)
    if not _description(down):
        settings = apt.environment(folder / "apt", "deb-src", SUITE)
        call("apt-get", "-qq", "update", environment=settings)
        words = ("-qq", "source", "--download-only", "%s=%s" % (NAME, VERSION))
        call("apt-get", *words, cwd=down, environment=settings)
    shutil.rmtree(part, ignore_errors=True)
    call("dpkg-source", "--no-copy", "-q", "-x", _description(down), part)
    part.rename(source)
    return source


def _description(folder):
    return next(iter(folder.glob("*.dsc")), None)
