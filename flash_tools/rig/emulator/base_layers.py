"""What goes into the root file system of the emulated board: which files of the packages, which modules of the kernel."""

import re
from pathlib import Path

from flash_tools.errors import NotFoundError
from flash_tools.rig.emulator.cpio import Archive

# In the order in which they are loaded; what they need themselves comes before them. The SPI bus wants its chip select's pin.
MODULES = {
    "always": "gpio-mxc spi-imx imx2_wdt i2c-imx i2c-dev rtc-ds1307 micrel fec".split(),
    "mtd": "spi-nor mtdblock".split(),  # where the chip is the kernel's
    "sd": "sdhci-esdhc-imx mmc_block vfat nls_cp437 nls_ascii ext4".split(),  # where there is an SD card
    "others": "at24 lm75 gpio-keys".split(),  # never by themselves
}
MODULE_LIST = "etc/rig/modules-%s"
_FOLDERS = "dev proc sys tmp run mnt root etc var/lib usr/local/lib/python3.11/dist-packages".split()
_BUSYBOX = """
    awk base64 basename cat chmod cp cut date dd df dirname dmesg du echo env expr false find free grep head hexdump
    hostname hwclock id ifconfig insmod ip kill ln ls lsmod md5sum mkdir mktemp mount mv nc netstat od ping printf
    ps pwd readlink rm rmdir sed seq setsid sh sha256sum sleep sort stat strings stty sync tail tar tee test touch
    tr true tty umount uname uniq unzip usleep vi wc wget which xargs xxd
""".split()
# Parts of Python's library that no device uses, or whose libraries are not there; and what Debian adds for people.
_SKIPPED = re.compile(
    "|".join(
        (
            r"usr/share(/.*)?|usr/include(/.*)?|usr/lib/binfmt.*|lib/udev.*|etc/(?!mime\.types).*",
            r"usr/bin/(?!python|fumo).*|usr/sbin/(?!i2c(detect|dump|get|set|transfer)$).*",
            r".*/(gconv|audit|engines-3)|.*\.(a|h|exe)|.*\.(egg|dist)-info/.*/.*",
            r"usr/lib/python3\.11/(curses|distutils|ensurepip|idlelib|lib2to3|pydoc_data|sqlite3|test|tkinter|turtle.*)",
            r"usr/lib/python3\.11/(unittest/test|venv|wsgiref|config-3\.11-.*|sitecustomize\.py|.*/tests?)",
            r"usr/lib/python3\.11/lib-dynload/_(codecs_(cn|hk|iso2022|jp|kr|tw)|test|xxtest|ctypes_test|dbm|curses|sqlite3).*",
            r"usr/lib/python3\.11/lib-dynload/(readline|nis|ossaudiodev|xxlimited).*",
        )
    )
)


def skipped(path: str) -> bool:
    """Tell whether a file or folder of the packages stays out."""
    return _SKIPPED.fullmatch(path) is not None


def system(root: Path) -> Archive:
    """Return the first layer: the C library, Python, busybox, and the folders that a system has."""
    archive = Archive()
    archive.tree(root, skipped)
    for folder in _FOLDERS:
        archive.folder(folder)
    for command in _BUSYBOX:
        archive.link("bin/" + command, "busybox")
    archive.link("usr/bin/python3", "python3.11")
    archive.link("etc/mtab", "/proc/mounts")
    archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    archive.file("etc/group", b"root:x:0:\n")
    archive.file("etc/hosts", b"127.0.0.1 localhost\n10.0.2.2 host\n")
    archive.file("etc/hostname", b"emulated\n")
    archive.device("dev/console", 5, 1)
    archive.device("dev/null", 1, 3)
    return archive


def modules(kernel: Path) -> Archive:
    """Return a layer with modules of the kernel and the lists in which order to load them."""
    archive, order = Archive(), []
    folder = next((kernel / "lib/modules").iterdir())
    files = {_plain(path.stem): path for path in folder.rglob("*.ko")}
    builtin = {_plain(Path(line).stem) for line in (folder / "modules.builtin").read_text().split()}
    for when, names in MODULES.items():
        before = len(order)
        for name in names:
            _add_module(_plain(name), files, builtin, order)
        archive.file(MODULE_LIST % when, "".join(name + "\n" for name in order[before:]).encode())
    for name in order:
        archive.file("lib/modules/%s.ko" % name, files[name].read_bytes())
    return archive


def _add_module(name, files, builtin, order):
    if name in order or name in builtin:
        return
    if name not in files:
        raise NotFoundError("the kernel has no module %s" % name)
    for needed in depends(files[name].read_bytes()):
        _add_module(_plain(needed), files, builtin, order)
    order.append(name)


def depends(module: bytes) -> list[str]:
    """Return the names of the modules that a module needs, as it says itself."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name.decode() for name in found[1].split(b",") if name] if found else []


def _plain(name):
    return name.replace("-", "_")
