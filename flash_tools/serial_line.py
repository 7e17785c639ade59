"""The serial line of a board, for one program at a time.

serial:PORT[@BAUD]   a port of this computer, 115200 baud unless it says otherwise
sim:FOLDER           the pseudo-terminal of a simulated device that runs with one
"""

import errno
import functools
import os
from pathlib import Path

import serial

from flash_tools.errors import BusyError, NotFoundError, ToolError, UsageError
from flash_tools.serial_trace import TRACE, TracedSerial
from flash_tools.target import Target

KINDS = ("serial", "sim")
BAUD = 115200
LINK = "serial"  # in the folder of a simulated device, while it runs
_WRITE_TIMEOUT_S = 10.0
_BUSY = (errno.EBUSY, errno.EAGAIN)


def split(target: Target) -> tuple[str, int]:
    """Return (path, baud) of a target's line."""
    if target.kind == "sim":
        return str(Path(target.place) / LINK), BAUD
    path, at, baud = target.place.rpartition("@")
    if not at:
        return target.place, BAUD
    if not (path and baud.isascii() and baud.isdigit() and 0 < int(baud) < 10_000_000):
        raise UsageError("%s has no baud rate behind the @: say serial:/dev/ttyUSB0@115200" % target)
    return path, int(baud)


def open_line(target: Target, timeout_s: float | None = None) -> serial.Serial:
    """Open a board's line for this program alone; `timeout_s` is that of reads, None waits."""
    path, baud = split(target)
    trace = os.environ.get(TRACE)
    make = functools.partial(TracedSerial, trace=trace) if trace else serial.Serial
    try:
        return make(path, baud, timeout=timeout_s, write_timeout=_WRITE_TIMEOUT_S, exclusive=True)
    except (serial.SerialException, OSError, ValueError) as e:
        raise _error(target, path, getattr(e, "errno", None) or _cause(e)) from None


def _cause(error: Exception) -> int | None:
    """Return the number of what pyserial hides in a text."""
    return getattr(error.__context__, "errno", None)


def _error(target: Target, path: str, number: int | None) -> ToolError:
    if number in _BUSY:
        return BusyError("%s is used by another program: end that one first" % path)
    if number in (errno.EACCES, errno.EPERM):
        return ToolError("%s may not be opened: add yourself to the group that owns it (dialout)" % path)
    if target.kind == "sim" and not Path(target.place).is_dir():
        return NotFoundError("there is no folder %s: `fumo sim new` makes a simulated device" % target.place)
    if target.kind == "sim":
        return NotFoundError(
            "%s has no serial line: run it with `fumo sim run %s --serial`" % (target.place, target.place)
        )
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO):
        return NotFoundError("%s is not there: connect the board, or name its port" % path)
    return NotFoundError("%s is no serial port" % path)
