"""Debian packages of another architecture, by a package list of our own: the machine's apt and dpkg are not touched."""

import re
import shutil
from pathlib import Path

from flash_tools.errors import NotFoundError
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
_MIRROR = "http://deb.debian.org/debian"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SOURCES = Path("/etc/apt")


def fetch(folder: Path, names: tuple[str, ...]) -> dict[str, Path]:
    """Have the packages and the kernel's in `folder`/debs and return them by name; what is there is not asked for again."""
    debs = folder / "debs"
    found = _files(debs)
    if not {*names, KERNEL_FILE} <= found.keys():
        fresh = folder / "debs.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        settings = {"APT_CONFIG": str(_settings(folder / "apt"))}
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


def _kernel(depends):
    found = re.search(r"Depends: (linux-image-\S+)", depends)
    if not found:
        raise NotFoundError("Debian's package list has no %s for %s" % (KERNEL, ARCHITECTURE))
    return found[1]


def _settings(folder):
    """Write apt's settings for a state of its own; options of the machine such as a proxy still hold."""
    if not _KEYRING.exists():
        raise NotFoundError("there is no %s: install the Debian package debian-archive-keyring" % _KEYRING)
    for name in ("lists/partial", "archives/partial", "parts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text("")
    (folder / "sources.list").write_text("deb [signed-by=%s] %s %s main\n" % (_KEYRING, mirror(), SUITE))
    values = {
        "APT::Architecture": ARCHITECTURE,
        "APT::Sandbox::User": "root",
        "Dir::State": folder,
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": folder / "parts",
    }
    lines = ['%s "%s";' % pair for pair in values.items()]
    settings = folder / "apt.conf"
    settings.write_text('APT::Architectures { "%s"; };\n' % ARCHITECTURE + "\n".join(lines) + "\n")
    return settings
