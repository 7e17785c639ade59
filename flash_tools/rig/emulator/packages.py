"""The Debian packages that the emulated board is made of: downloaded once, and unpacked."""

import re
import shutil
from pathlib import Path

from flash_tools.errors import NotFoundError
from flash_tools.rig.emulator import apt
from flash_tools.rig.emulator.commands import call

ARCHITECTURE, SUITE = "armhf", "bookworm"
KERNEL_FILE = "kernel"  # how `fetch` calls that one
KERNEL = "linux-image-armmp"  # depends on the newest build of the kernel, whose name has a number that moves

# What the guest's Python needs, its libraries named one by one: apt's own answer would bring perl, dpkg and systemd's parts.
PYTHON = tuple(
    """
    python3.11-minimal libpython3.11-minimal libpython3.11-stdlib media-types
    libc6 libgcc-s1 zlib1g libbz2-1.0 liblzma5 libexpat1 libffi8 libuuid1 libcrypt1 libssl3
    """.split()
)
HARDWARE = tuple(
    """
    python3-spidev python3-smbus2 python3-serial python3-libgpiod libgpiod2
    python3-gpiozero python3-colorzero python3-pkg-resources i2c-tools libi2c0 busybox-static
    """.split()
)
CRYPTOGRAPHY = ("python3-cryptography", "python3-cffi-backend")


def fetch(folder: Path, names: tuple[str, ...]) -> dict[str, Path]:
    """Have the packages and the kernel's in `folder`/debs and return them by name; what is there is not asked for again."""
    debs = folder / "debs"
    found = _files(debs)
    if not {*names, KERNEL_FILE} <= found.keys():
        fresh = folder / "debs.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        settings = apt.environment(folder / "apt", "deb", SUITE, ARCHITECTURE)
        call("apt-get", "-qq", "update", environment=settings)
        kernel = _kernel(call("apt-cache", "depends", KERNEL, environment=settings))
        call("apt-get", "-qq", "download", *names, kernel, cwd=fresh, environment=settings)
        shutil.rmtree(debs, ignore_errors=True)
        fresh.rename(debs)
        found = _files(debs)
    return found


def _files(folder):
    files = {path.name.partition("_")[0]: path for path in folder.glob("*.deb")}
    return {KERNEL_FILE if name.startswith("linux-image-") else name: path for name, path in files.items()}


def unpack(debs: list[Path], folder: Path) -> None:
    """Unpack packages into a folder, without running any of their scripts."""
    folder.mkdir(parents=True, exist_ok=True)
    for deb in debs:
        call("dpkg-deb", "-x", deb, folder)


def _kernel(depends):
    found = re.search(r"Depends: (linux-image-\S+)", depends)
    if not found:
        raise NotFoundError("Debian's package list has no %s for %s" % (KERNEL, ARCHITECTURE))
    return found[1]
