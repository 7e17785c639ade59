"""Writes an image into the spare bank, an erase or a few pages a step, in the memory of one 4 KiB chunk and one page.

What the bank holds already is left alone; from the first difference on the rest of the erase unit is erased. Every chunk
is read back before it counts. Must not know where the bytes come from, nor what the journal is: `announce(start, end)` is
called before the first erase of a stretch.
"""

import hashlib

from agent.compat import const
from agent.errors import FlashError
from agent.sizes import BLOCK_BUFFER

CHUNK = const(4096)
_TRIES = const(3)  # a read can be disturbed; cells that do not hold stay wrong
_ANY = const(0x3FFFFFFF)
_READ = const(1024)  # at once: each call of a driver costs as much as some hundred bytes
_IDLE = const(0)
_COMPARE = const(1)
_ERASE = const(2)
_PROGRAM = const(3)
_READ_BACK = const(4)


class BankWriter:
    """Where writing stands in one image region."""

    packed_max = BLOCK_BUFFER  # the largest packed block that it is used with
    at_once = 4  # pages a step: the way here costs as much as a page

    def __init__(self, region, erase_units, announce):
        if erase_units[0][0] > CHUNK:
            raise FlashError(
                "the chip erases %d bytes at once, at most %d can be buffered" % (erase_units[0][0], CHUNK)
            )
        self._region = region
        self._units = erase_units
        self._announce = announce
        self._page = region.page
        self._buffer = bytearray(CHUNK)
        view = memoryview(self._buffer)
        self._pages = [
            view[start : start + self._page] for start in range(0, CHUNK, self._page)
        ]  # writing makes nothing new
        self._view = view
        self.scratch = memoryview(bytearray(max(_READ, self._page)))  # nobody's between two calls
        self._blank = b"\xff" * self._page
        self._state = _IDLE
        self._at = 0  # page of the chunk that is next
        self._erasing = False  # the last operation was an erase

    def begin(self, size, at, dirty_from):
        """Write an image of `size` bytes from `at` on; cells from `dirty_from` on are erased however they read."""
        self._size = size
        self._sector = self._units[0][0]
        self._end = (size + self._sector - 1) // self._sector * self._sector
        self.position = at
        self._dirty_from = dirty_from
        self._erased_to = self._erase_end = at
        self._filled = 0
        self._sha = None if at else hashlib.sha256()
        self._state = _IDLE
        self.erases = 0

    @property
    def busy(self):
        """Tell whether a chunk is being written."""
        return self._state != _IDLE

    def room(self):
        """Return the part of the chunk buffer that is still to be filled."""
        return self._view[self._filled : min(CHUNK, self._size - self.position)]

    def take(self, count):
        """Count bytes put into `room`; a full chunk, or the last one, is then written by `step`."""
        self._filled += count
        if self._filled == CHUNK or self.position + self._filled == self._size:
            for i in range(self._filled, CHUNK):
                self._buffer[i] = 0xFF
            self._at = 0
            self._state = _PROGRAM if self.position < self._erased_to else _COMPARE

    def step(self):
        """Do one erase, program some pages, or compare one chunk."""
        if self._state == _COMPARE:
            self._compare()
        elif self._state == _ERASE:
            self._erase()
        elif self._state == _PROGRAM:
            self._program()
        elif self._state == _READ_BACK:
            self._read_back()

    def erasing(self):
        """Tell whether the chip is busy with an erase: there is time for something else."""
        self._erasing = self._erasing and self._region.busy()
        return self._erasing

    def digest(self):
        """Return the digest of what was read back, None where this writer did not write it all."""
        return self._sha.digest() if self._sha and self.position == self._size else None

    def erase_ahead(self):
        """Erase on while nothing else is to do, if this stretch had to be erased; tell whether an erase was begun.

        Half of the largest unit at once: a server must stop when the window of the link is full, long before the largest
        one is erased, and takes a round trip to go on.
        """
        start, largest = self._erased_to, self._units[-1][0]
        wanted = start < self._end and self.position <= start <= self.position + 2 * largest
        if not self.erases or not wanted or self.erasing():
            return False
        if self._erase_end <= start:
            self._announce_stretch(start)
        self._erase_unit(largest // 2)
        return True

    def _compare(self):
        if self.position < self._dirty_from and self._matches():
            self._finish()
        else:
            self._announce_stretch(self.position)
            self._erased_to = self.position
            self._state = _ERASE

    def _announce_stretch(self, start):
        unit = self._units[-1][0]
        self._erase_end = max(start + self._unit_at(start), min((start // unit + 1) * unit, self._end))
        self._announce(start, self._erase_end)

    def _erase(self):
        self._erase_unit()
        if self._erased_to >= self._erase_end:
            self._state = _PROGRAM

    def _erase_unit(self, most=_ANY):
        unit = self._unit_at(self._erased_to, most)
        self._region.erase(self._erased_to, unit)
        self._erasing = True
        self._erased_to += unit
        self.erases += 1

    def _unit_at(self, addr, most=_ANY):
        """Return the largest unit that starts here and is not half wasted behind the end of the image."""
        best = self._sector
        for size, _ in self._units:
            if (
                size <= most
                and addr % size == 0
                and size <= 2 * (self._end - addr)
                and addr + size <= self._region.size
            ):
                best = size
        return best

    def _program(self):
        pages, at, count = self._pages, self._at, self.at_once
        while count and at < len(pages):
            if pages[at] != self._blank:
                self._region.program(self.position + at * self._page, pages[at])
                self._erasing = False
                count -= 1
            at += 1
        self._at = at
        if at == len(pages):
            self._state = _READ_BACK

    def _read_back(self):
        for _ in range(_TRIES):
            if self._matches():
                self._finish()
                return
        raise FlashError("the flash does not hold what was written at 0x%x: replace it" % self.position)

    def _matches(self):
        """Compare the chunk with the flash, up to the first difference."""
        end = (self._filled + self._page - 1) // self._page * self._page
        for start in range(0, end, len(self.scratch)):
            expected = self._view[start : min(start + len(self.scratch), end)]
            found = self.scratch[: len(expected)]
            self._region.read(self.position + start, found)
            if found != expected:
                return False
        return True

    def _finish(self):
        if self._sha:
            self._sha.update(self._view[: self._filled])
        self.position += self._filled
        self._filled = 0
        self._state = _IDLE
