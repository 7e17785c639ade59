"""A flash image as a Flash: as strict as the chip is, so that what is written into a file is what the chip would hold."""

import fcntl
import os
from pathlib import Path

from agent.errors import FlashError
from flash_tools.errors import BusyError, NotFoundError, ToolError

_SECTOR = 4096
_BUSY = "%s is in use: a simulated device runs on it, or another command; end that first"


class ImageFile:
    """The file holds the bytes of the chip and nothing else. With `write` nobody else may have it."""

    page, program_unit, blocking = 256, 1, True
    erase_units = ((_SECTOR, 896), (8 * _SECTOR, 1792), (16 * _SECTOR, 2240))

    def __init__(self, path: Path, write: bool = False) -> None:
        try:
            self._file = open(path, "r+b" if write else "rb", buffering=0)
        except FileNotFoundError:
            raise NotFoundError(f"there is no flash image {path}") from None
        except OSError as e:
            raise ToolError(f"cannot open {path}: {e.strerror}") from None
        self.path, self.size = path, os.fstat(self._file.fileno()).st_size
        if not self.size or self.size % _SECTOR:
            self._file.close()
            raise ToolError(f"{path} has {self.size} bytes: a flash image has a multiple of {_SECTOR}")
        if write:
            self._lock()

    def _lock(self):
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise BusyError(_BUSY % self.path) from None

    def read(self, addr: int, into) -> None:
        """Fill `into` from `addr` on."""
        if os.preadv(self._file.fileno(), [into], addr) != len(into):
            raise FlashError("0x%x + %d lies outside the image of %d bytes" % (addr, len(into), self.size))

    def program(self, addr: int, data) -> None:
        """Clear bits, within a page."""
        if addr % self.page + len(data) > self.page:
            raise FlashError("%d bytes at 0x%x do not lie within one page" % (len(data), addr))
        old = bytearray(len(data))
        self.read(addr, old)
        self._write(addr, bytes(a & b for a, b in zip(old, data, strict=True)))

    def erase(self, addr: int, size: int) -> None:
        """Set a unit to ff."""
        if addr % size or size not in [unit for unit, _ in self.erase_units] or addr + size > self.size:
            raise FlashError("the chip cannot erase %d bytes at 0x%x at once" % (size, addr))
        self._write(addr, b"\xff" * size)

    def busy(self) -> bool:
        """A file is never busy."""
        return False

    def _write(self, addr, data):
        try:
            done = os.pwrite(self._file.fileno(), data, addr)
        except OSError as e:
            raise FlashError("cannot write %s: %s" % (self.path, e.strerror)) from None
        if done != len(data):
            raise FlashError("cannot write %s: there is no room" % self.path)

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        self._file.close()


def in_use(path: Path) -> bool:
    """Tell whether a simulated device runs on a flash image, or a command writes it."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def refuse_used(path: Path) -> None:
    """Raise a BusyError where that is so."""
    if in_use(path):
        raise BusyError(_BUSY % path)
