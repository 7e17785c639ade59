"""Writes an image into a bank that is a file or a partition: what agent/bank_writer.py is for NOR, a stretch at a time.

A stretch is up to 4 MiB and ends where a block of the package does. It is gathered in memory; a piece that the disk holds
already stays; the rest is written, synced and read back from the disk, and only then does the stretch count. So a
cut costs one stretch. `announce(start, end)` is called before the first byte of a stretch is overwritten. Must not
know where the bytes come from. The region is a Flash with `sync(addr, size)` and a large page, see block.py.
"""

import _thread
import hashlib

from agent.errors import FlashError
from ports.cpython_linux.block import aligned

LARGE_BLOCK = 1 << 18  # the most that a block of a package may have, packed or not
STRETCH = 4 << 20
_LEAST = 1 << 18  # so much is written out while a slow link has nothing
_COMPARED = 1 << 17  # at once, of what was read back
_PROBE = 4096
_TRIES = 3  # a read can be disturbed; what the disk does not hold stays wrong
_IDLE, _WRITE, _SYNC, _READ_BACK = range(4)


class StretchWriter:
    """Where writing stands in one image; the names are those of BankWriter."""

    packed_max = LARGE_BLOCK  # the largest packed block that can be taken

    def __init__(self, region, erase_units, announce):
        self._region, self._announce = region, announce
        self._buffer = aligned(STRETCH + LARGE_BLOCK)
        self._found = aligned(STRETCH + LARGE_BLOCK + _PROBE)
        self._probe = bytearray(_PROBE)
        self._probed = -1  # where that was read
        self._hashing = _thread.allocate_lock()  # held while a stretch is hashed
        self._state = _IDLE

    def begin(self, size, at, dirty_from):
        """Write an image of `size` bytes from `at` on; from `dirty_from` on all is written, however it reads."""
        self._size, self.position, self._dirty_from = size, at, dirty_from
        self._filled = self._at = 0
        self._announced = self._differs = False
        self._left_some = False  # of this stretch: pieces that the disk held already
        self._state, self._probed = _IDLE, -1
        self._sha = None if at else hashlib.sha256()
        if at:  # all of it is read again in the end
            self._region.sync(0, size)

    @property
    def busy(self):
        """Tell whether a stretch is being written."""
        return self._state != _IDLE

    def room(self):
        """Return the part of the buffer that is still to be filled; a whole block fits always."""
        return self._buffer[self._filled : min(len(self._buffer), self._size - self.position)]

    def take(self, count):
        """Count the bytes of a whole block put into `room`; a full stretch, or the last one, is then written by `step`."""
        self._filled += count
        if self._filled >= STRETCH or self.position + self._filled == self._size:
            self._begin_stretch()

    def step(self):
        """Write one piece, or sync, or read all of the stretch back."""
        if self._state == _WRITE:
            self._write()
        elif self._state == _SYNC:
            if self._left_some:
                self._region.sync(self.position, self._filled)
            else:
                self._region.sync()
            self._state = _READ_BACK
        elif self._state == _READ_BACK:
            self._read_back()

    def erasing(self):
        """A disk is never busy with an erase."""
        return False

    def erase_ahead(self):
        """The link has nothing: write out what has come, so that a link that breaks often still gets on."""
        if self._filled < _LEAST:
            return False
        self._begin_stretch()
        return True

    def digest(self):
        """Return the digest of what was read back, None where this writer did not write it all."""
        return self._sha.digest() if self._sha and self.position == self._size else None

    # -- inside -------------------------------------------------------------------------------------------------------

    def _begin_stretch(self):
        self._at, self._state = 0, _WRITE
        self._announced = self._left_some = self._differs = False
        if self._sha:
            self._hashing.acquire()
            try:
                _thread.start_new_thread(self._hash, (self._buffer[: self._filled],))
            except RuntimeError:  # no more threads
                self._hash(self._buffer[: self._filled])

    def _hash(self, stretch):
        """Hash what is going to be compared with the disk's: while the disk works, on a core that is free."""
        try:
            self._sha.update(stretch)
        finally:
            self._hashing.release()

    def _write(self):
        addr = self.position + self._at
        piece = self._buffer[self._at : min(self._filled, self._at + self._region.page - addr % self._region.page)]
        if addr >= self._dirty_from or self._differs or not self._is_there(addr, piece):
            if not self._announced:
                self._announced = True
                self._announce(self.position, self.position + self._filled)
            self._region.program(addr, piece)
        else:
            self._left_some = True
        self._at += len(piece)
        if self._at == self._filled:
            self._state = _SYNC

    def _is_there(self, addr, piece):
        """Look at the beginning first: where that differs all of the stretch is taken to."""
        if len(piece) < _PROBE:
            return self._matches(addr, piece)
        if self._probed != addr:
            self._region.read(addr, self._probe)
        self._differs = self._probe != piece[:_PROBE]
        return not self._differs and self._matches(addr, piece)

    def _matches(self, addr, data, more=0):
        """Tell whether the disk holds this; `more` bytes behind it are read too."""
        found = self._found[: len(data)]
        self._region.read(addr, self._found[: len(data) + more])
        for start in range(0, len(data), _COMPARED):  # two memoryviews would be compared byte by byte
            if bytearray(found[start : start + _COMPARED]) != data[start : start + _COMPARED]:
                return False
        return True

    def _read_back(self):
        stretch, end, tries = self._buffer[: self._filled], self.position + self._filled, 1
        more = _PROBE if self._size - end >= _PROBE else 0  # one wait for the disk less
        while not self._matches(self.position, stretch, more):
            if tries == _TRIES:
                raise FlashError("the disk does not hold what was written at 0x%x: replace it" % self.position)
            tries += 1
            self._region.sync(self.position, self._filled)
        with self._hashing:  # it has come to its end
            pass
        if more:
            self._probe[:], self._probed = self._found[self._filled : self._filled + more], end
        self.position, self._filled, self._state = end, 0, _IDLE
