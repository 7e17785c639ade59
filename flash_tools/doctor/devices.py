"""May this user open the devices that are there? And does spidev take enough bytes at once?"""

import grp
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from flash_tools.doctor.check import Check, Host, fail, number, ok, skip, warn
from ports.cpython_linux import access
from ports.cpython_linux.access import allows

_WATCHDOG = "watchdog access"
_KINDS = (
    # name of the check, pattern below /dev, group that usually owns it
    ("serial ports", ("ttyUSB*", "ttyACM*", "ttyAMA*"), "dialout"),
    ("spi", ("spidev*",), "spi"),
    ("i2c", ("i2c-*",), "i2c"),
    ("gpio", ("gpiochip*",), "gpio"),
    ("mtd", ("mtd[0-9]",), "root"),
    (_WATCHDOG, ("watchdog", "watchdog[0-9]"), "root"),
)
_USUAL_BUFFER = 4096
_LEAST_BUFFER = 5 + 256  # head and page: what is programmed goes in one transfer
_MORE = "add spidev.bufsiz=65536 to the kernel's command line"


def checks(host: Host) -> Iterator[Check]:
    """Look at the devices that are there."""
    for name, patterns, group in _KINDS:
        found = sorted(path for pattern in patterns for path in host.dev.glob(pattern))
        if not found:
            yield skip(name, "no %s" % " or ".join(str(host.dev / pattern) for pattern in patterns))
            continue
        closed = [path for path in found if not _may(host, path)]
        names = ", ".join(path.name for path in closed)
        if closed and name == _WATCHDOG and not host.who:
            yield skip(name, "%s: not this user's, nor need it be; with sudo the service's user is looked at" % names)
        elif closed:
            yield fail(name, refusal(host, names), remedy(host, closed[0], group))
        else:
            yield ok(name, ", ".join(path.name for path in found))
    yield _buffer(host)


def as_service(host: Host, ask: Callable = access.service_user) -> Host:
    """Return the host as the service's user has it, where root asks: root may open everything."""
    found = ask() if host.user == 0 else None
    return replace(host, who=found[0], user=found[1], groups=found[2]) if found else host


def refusal(host: Host, what: str) -> str:
    """Say who may not open it."""
    who = "%s, the user of the service," % host.who if host.who else "this user"
    return "%s: %s may not read and write" % (what, who)


def remedy(host: Host, path: Path, usual: str) -> str:
    """Say how that user may; `usual` is the group that such a device has."""
    if host.who:
        return access.remedy(path.stat(), host.who)
    return _remedy(path, usual)


def _may(host, path):
    try:
        return allows(os.stat(path), host.user, host.groups)
    except OSError:
        return False


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
    if size < _LEAST_BUFFER:
        text = "%d bytes: too small for a page, which takes %d; nothing can be programmed"
        return fail("spidev buffer", text % (size, _LEAST_BUFFER), _MORE)
    if size < _USUAL_BUFFER:
        text = "%d bytes: transfers are cut into many small ones" % size
        return warn("spidev buffer", text, _MORE)
    return ok("spidev buffer", "%d bytes" % size)
