"""The Flash contract over a folder of files, for a board whose only flash belongs to a file system: one file an erase unit.

A file lacks the blank pages at its end, and one that is missing is blank. What is programmed or erased is gathered in memory as
long as it goes to one unit, and is in its file when any other call returns: what was begun later never outlives a cut that what
was begun earlier did not. The file system must replace a file at once, whatever a power cut does, as littlefs does. The folder is
    read(name, offset, into)    copies what the file has from there on, returns how much that is, 0 where there is no file
    write(name, data)           puts a whole file in the place of what is there, none for no data
    free()                      returns the bytes that files can still take
What it refuses is FlashError.
"""

from agent.compat import const
from agent.errors import FlashError

UNIT = const(4096)  # what littlefs gives a file of this size on a Pico: one block
_PAGE = const(256)
_MOST_MS = const(3000)  # a file system may have to erase several blocks of 400 ms for one file
_BLANK = b"\xff" * _PAGE
_NONE = const(-1)
_SPARE = const(8)  # units that stay free: the file system writes anew before it frees what was


class FlashFiles:
    """`size` bytes of it; `feed` is called before each file that is written."""

    blocking = True
    page = _PAGE
    program_unit = 1
    erase_units = ((UNIT, _MOST_MS),)

    def __init__(self, folder, size, feed):
        self._folder = folder
        self._feed = feed
        self.size = size
        self._buffer = bytearray(UNIT)
        self._view = memoryview(self._buffer)
        self._unit = _NONE  # which one the buffer holds, newer than its file

    def read(self, addr, into):
        """Fill `into` from the files."""
        self._check(addr, len(into))
        self._settle()
        view, done = memoryview(into), 0
        while done < len(into):
            unit, offset = divmod(addr + done, UNIT)
            count = min(UNIT - offset, len(into) - done)
            self._fetch(unit, offset, view[done : done + count])
            done += count

    def program(self, addr, data):
        """Clear bits within one page."""
        size = len(data)
        self._check(addr, size)
        if not size or addr % _PAGE + size > _PAGE:
            raise _wrong(addr, size)
        unit, offset = divmod(addr, UNIT)
        if unit != self._unit:
            self._settle()
            self._fetch(unit, 0, self._view)
            self._unit = unit
        cells = self._view[offset : offset + size]
        if cells != _BLANK[:size]:
            data = (int.from_bytes(cells, "big") & int.from_bytes(data, "big")).to_bytes(size, "big")
        cells[:] = data

    def erase(self, addr, size):
        """Make one unit blank."""
        self._check(addr, size)
        if size != UNIT or addr % UNIT:
            raise _wrong(addr, size)
        if addr // UNIT != self._unit:
            self._settle()
        self._unit = addr // UNIT
        for at in range(0, UNIT, _PAGE):
            self._view[at : at + _PAGE] = _BLANK

    def busy(self):
        """Write what was gathered."""
        self._settle()
        return False

    def require(self, start, size):
        """Refuse to begin writing there where the file system lacks the room."""
        self._settle()
        missing, probe = _SPARE, bytearray(1)
        for unit in range(start // UNIT, (start + size) // UNIT):
            missing += not self._folder.read("%x" % unit, 0, probe)
        if self._folder.free() < missing * UNIT:
            text = "the file system has %d KiB free and %d are needed: remove files"
            raise FlashError(text % (self._folder.free() // 1024, missing * UNIT // 1024))

    def _fetch(self, unit, offset, into):
        found = self._folder.read("%x" % unit, offset, into)
        while found < len(into):
            count = min(_PAGE, len(into) - found)
            into[found : found + count] = _BLANK[:count]
            found += count

    def _settle(self):
        unit, self._unit = self._unit, _NONE  # if it fails, what is in the file counts
        if unit == _NONE:
            return
        end = UNIT
        while end and self._view[end - _PAGE : end] == _BLANK:
            end -= _PAGE
        self._feed()
        self._folder.write("%x" % unit, self._view[:end])

    def _check(self, addr, size):
        if addr < 0 or addr + size > self.size:
            raise _wrong(addr, size)


def _wrong(addr, size):
    return FlashError("0x%x + %d is no page, no unit or no part of the files" % (addr, size))
