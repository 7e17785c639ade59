"""May this user open the devices that are there? And does spidev take enough bytes at once?"""

import grp
import os
from collections.abc import Iterator

from flash_tools.doctor.check import Check, Host, fail, number, ok, skip, warn

_KINDS = (
    # name of the check, pattern below /dev, group that usually owns it
    ("serial ports", ("ttyUSB*", "ttyACM*", "ttyAMA*"), "dialout"),
    ("spi", ("spidev*",), "spi"),
    ("i2c", ("i2c-*",), "i2c"),
    ("gpio", ("gpiochip*",), "gpio"),
    ("mtd", ("mtd[0-9]",), "root"),
)
_USUAL_BUFFER = 4096


def checks(host: Host) -> Iterator[Check]:
    """Look at the devices that are there."""
    for name, patterns, group in _KINDS:
        found = sorted(path for pattern in patterns for path in host.dev.glob(pattern))
        if not found:
            yield skip(name, "no %s" % " or ".join(str(host.dev / pattern) for pattern in patterns))
            continue
        closed = [path for path in found if not _may(host, path)]
        if closed:
            text = "%s: this user may not read and write" % ", ".join(path.name for path in closed)
            yield fail(name, text, _remedy(closed[0], group))
        else:
            yield ok(name, ", ".join(path.name for path in found))
    yield _buffer(host)


def _may(host, path):
    try:
        return allows(os.stat(path), host.user, host.groups)
    except OSError:
        return False


def allows(found: os.stat_result, user: int, groups: tuple[int, ...]) -> bool:
    """Tell whether the user may read and write, as the kernel decides it: only the first class that fits counts."""
    if user == 0:
        return True
    shift = 6 if found.st_uid == user else 3 if found.st_gid in groups else 0
    return found.st_mode >> shift & 6 == 6


def _remedy(path, usual):
    try:
        group = grp.getgrgid(os.stat(path).st_gid).gr_name
    except (KeyError, OSError):
        group = usual
    if group == "root":
        return "run it with sudo, or let a udev rule give %s to the group %s" % (path.name, usual)
    return "sudo usermod -aG %s $USER, then log in again" % group


def _buffer(host):
    size = number(host.sys / "module/spidev/parameters/bufsiz")
    if size is None:
        there = any(host.dev.glob("spidev*"))
        text = "spidev does not tell its buffer size" if there else "spidev is not loaded"
        return skip("spidev buffer", text)
    if size < _USUAL_BUFFER:
        text = "%d bytes: transfers are cut into many small ones" % size
        return warn("spidev buffer", text, "add spidev.bufsiz=65536 to the kernel's command line")
    return ok("spidev buffer", "%d bytes" % size)
