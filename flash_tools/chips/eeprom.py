"""An EEPROM on I2C, or an image of one, as the place of a board's identity: `i2c:1:0x50` or a file.

`?size=32768&page=64&address_bytes=2` says what the part is where it is no 24C32; a file has its own size.
"""

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path

from agent.errors import FlashError
from flash_tools.chips import options
from flash_tools.errors import BusyError, NotFoundError, ToolError, UsageError
from hal.eeprom_i2c import COUNTER_SIZE, Eeprom, identity_region
from ports.cpython_linux.i2c import I2cLink
from ports.sim.real_clock import RealClock

_LEAST, _MOST = 1024, 1 << 18


@contextmanager
def open_identity(text: str | None, write: bool = False):
    """Give the region for the identity in the EEPROM that `text` names, None where it names none."""
    if text is None:
        yield None
        return
    place, given = options.split(text, "size", "page", "address_bytes")
    page = options.number(given, "page", 32, 8, 256)
    if page & (page - 1):
        raise UsageError("page is a power of two, not %d" % page)
    if place.startswith("i2c:"):
        size = options.number(given, "size", 4096, _LEAST, _MOST)
        link = _link(place, options.number(given, "address_bytes", 2, 1, 3))
    else:
        link = _File(Path(place), write)
        size = link.size
    try:
        yield _region(text, link, size, page)
    finally:
        link.close()


def _region(text, link, size, page):
    if not _LEAST <= size <= _MOST or (size - COUNTER_SIZE) % (2 * page):
        raise UsageError("%s: an EEPROM of %d bytes with pages of %d cannot be divided" % (text, size, page))
    return identity_region(Eeprom(link, RealClock(), size, page))


def _link(place, address_bytes):
    bus, _, address = place[len("i2c:") :].rpartition(":")
    try:
        number = int(address, 0)
    except ValueError:
        number = 0
    if not bus or not 0x08 <= number <= 0x77:
        raise UsageError("%s names no EEPROM: use i2c:BUS:ADDRESS, i2c:1:0x50, or a file" % place)
    return I2cLink(int(bus) if bus.isdecimal() else bus, number, address_bytes)


class _File:
    """An image as the link to the chip."""

    def __init__(self, path: Path, write: bool) -> None:
        self._path = path
        try:
            self._fd = os.open(path, (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFoundError("there is no EEPROM image %s: truncate -s 4096 %s makes one" % (path, path)) from None
        except OSError as e:
            raise ToolError("cannot open %s: %s" % (path, e.strerror)) from None
        self.size = os.fstat(self._fd).st_size
        if write:
            self._lock()

    def _lock(self):
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise BusyError("%s is in use by another command: end that first" % self._path) from None

    def read(self, reg: int, into) -> None:
        """Fill `into` from the file."""
        if os.preadv(self._fd, [into], reg) != len(into):
            raise FlashError("%s ends before 0x%x" % (self._path, reg + len(into)))

    def write(self, reg: int, data) -> None:
        """Write into the file."""
        try:
            done = os.pwrite(self._fd, data, reg)
        except OSError as e:
            raise FlashError("cannot write %s: %s" % (self._path, e.strerror)) from None
        if done != len(data):
            raise FlashError("cannot write %s: there is no room" % self._path)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)
