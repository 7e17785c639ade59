"""Where the agent of a Linux board writes: is there room in the RAM disk, is what it boots from and keeps its state in writable?"""

import os
import re
from collections.abc import Callable, Iterator
from types import ModuleType

from flash_tools.doctor.check import Check, Host, fail, ok, read, skip, warn
from flash_tools.doctor.devices import refusal
from ports.cpython_linux import access

_MIB = 1 << 20
_LEAST = 2 * _MIB  # a firmware of Python files and what else lies there
_SPARE = _MIB
_PRIVATE = "/run/fumo-agent/firmware"  # what only the service sees, by its unit
_SIZE = re.compile(re.escape(_PRIVATE) + r":(?:\S*,)?size=(\d+)([KMG]?)")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_LARGER = (
    "systemctl edit fumo-agent, [Service], an empty TemporaryFileSystem= and TemporaryFileSystem=%s:size=128M,mode=1777"
)


def checks(host: Host, board: ModuleType, room: Callable = os.statvfs, unit: dict | None = None) -> Iterator[Check]:
    """Look at the RAM disk, at the boot partition, at the file of the state; `unit` is what systemd has of the service."""
    if not getattr(board, "NATIVE", False):
        own = _PRIVATE in (unit or {}).get("TemporaryFileSystem", "")
        yield _private_disk(host, board, room, unit) if own else _ram_disk(host, board, room)
    if getattr(board, "SELECT", None):
        yield _mounted(host, "boot partition", board.SELECT)
    state = state_of(board)
    if state:
        yield _state(host, board, state)


def state_of(board: ModuleType) -> str | None:
    """Return the file or partition that the board keeps its state in, where that is not its flash."""
    state = getattr(board, "STATE", None)
    return "%s%d" % (board.DISK, state) if isinstance(state, int) else state


def _ram_disk(host, board, room):
    folder = host.run / "fumo-agent" if (host.run / "fumo-agent").is_dir() else host.run
    try:
        found = room(folder)
    except OSError as e:
        return fail("ram disk", "%s cannot be looked at: %s" % (folder, e.strerror), "mount a tmpfs there")
    do = "see what fills it (du -x %s), or give it more: mount -o remount,size=64M %s" % (host.run, host.run)
    return _judge_room(board, folder, _left(folder, found), do)


def _private_disk(host, board, room, unit):
    """Look at the RAM disk that nobody outside of the service sees: through its process, else at its size in the unit."""
    pid = unit.get("MainPID", "0")
    folder = host.proc / pid / "root" / _PRIVATE.lstrip("/")
    do = _LARGER % _PRIVATE
    if pid.isdigit() and int(pid):
        try:
            return _judge_room(board, _PRIVATE, _left(folder, room(folder)), do)
        except OSError:
            pass  # it has just ended, or only root may look
    size = _SIZE.search(unit["TemporaryFileSystem"])
    if not size:
        return skip("ram disk", "%s has no size in the unit; root sees it while the service runs" % _PRIVATE)
    return _judge_room(board, _PRIVATE + ", by the unit,", int(size[1]) * _UNITS[size[2]], do)


def _left(folder, found):
    return found.f_bavail * found.f_frsize + sum(_size(path) for path in folder.glob("bank*.zip"))


def _judge_room(board, place, left, do):
    bank = max([size for name, _, size in getattr(board, "LAYOUT", ()) if name.startswith("bank")], default=0)
    text = "%s has %d KiB left" % (place, left // 1024)
    if left < _LEAST:
        return fail("ram disk", text + ": no firmware can be copied there", do)
    if left < bank + _SPARE:
        return warn("ram disk", text + ": less than a bank of %d KiB" % (bank // 1024), do)
    return ok("ram disk", text)


def _size(path):
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _mounted(host, name, place):
    mount, options = _mount_of(host, place)
    if mount != place:
        return fail(name, "%s is not mounted" % place, "mount it: the board's page has the line for /etc/fstab")
    if "ro" in options:
        do = "look for the cause (dmesg), check it (fsck.vfat), then: mount -o remount,rw %s" % place
        return fail(name, "%s can only be read: an update can neither be tried nor kept" % place, do)
    return ok(name, "%s can be written" % place)


def _state(host, board, place):
    path, size = host.at(place), getattr(board, "STATE_SIZE", 0)
    if not path.exists():
        return fail("state", "%s is not there" % place, "make it and provision it: the board's page says how")
    if _size(path) < size and path.is_file():
        return fail(
            "state", "%s has %d bytes, %d are needed" % (place, _size(path), size), "make it anew, and provision it"
        )
    if "ro" in _mount_of(host, place)[1]:
        return fail(
            "state", "%s lies on what can only be read" % place, "mount that read-write (dmesg says why it is not)"
        )
    if host.who and not access.allows(path.stat(), host.user, host.groups):
        do = "give it to that user: chown %s %s" % (host.who, place) if path.is_file() else access.AS_ROOT
        return fail("state", refusal(host, place), do)
    if not os.access(path, os.W_OK) and host.user == os.geteuid():
        return skip("state", "%s: only the agent's user may look (run with sudo)" % place)
    return ok("state", place)


def _mount_of(host, place):
    """Return (mount point, options) of the file system that a path lies on."""
    best, found = "", ()
    for line in read(host.proc / "mounts").splitlines():
        words = line.split()
        if len(words) < 4:
            continue
        point = words[1].replace("\\040", " ")
        inside = place == point or point == "/" or place.startswith(point + "/")
        if inside and len(point) >= len(best):
            best, found = point, words[3].split(",")
    return best, found
