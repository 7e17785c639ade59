"""One block of a delta: differences to the running image, new bytes, and jumps in the running image, in that order, repeated.

    count, that many bytes to be added to those of the source · count, that many new bytes · how far the source jumps

Counts are little groups of 7 bits, the last without bit 7; the jump has its sign in bit 0. A block starts fresh and ends
exactly with its image bytes. Must not know how the bytes were packed.
"""

from agent.compat import const
from agent.errors import PackageError

_PIECE = const(256)
_DIFF = const(0)
_EXTRA = const(1)
_ZEROS = bytes(_PIECE)


class DeltaBlock:
    """Gives the image bytes of one block."""

    def __init__(self, plain, source, source_size, source_at, size):
        self._plain = plain
        self._source = source
        self._source_size = source_size
        self._at = source_at
        self._size = size  # image bytes still to come
        self._part = _EXTRA
        self._count = 0  # bytes left of the part
        self._piece = bytearray(_PIECE)
        self._one = bytearray(1)
        self._first = True
        self._idle = False  # the round at hand has no differences, so it must have new bytes

    def read_into(self, into):
        """Fill `into` as far as the block goes; return the number of bytes."""
        done = 0
        while done < len(into):
            if not self._size:
                return done + self._plain_left() if not done else done
            if not self._count:
                self._next_part()
                continue
            count = min(len(into) - done, self._count, _PIECE)
            self._take(into[done : done + count])
            done += count
        return done

    def _take(self, into):
        count = len(into)
        if self._plain.read_into(into) != count:
            raise PackageError("a block of the delta ends early")
        if self._part == _DIFF:
            self._add_source(into, count)
        self._count -= count
        self._size -= count

    def _add_source(self, into, count):
        if self._at < 0 or self._at + count > self._source_size:
            raise PackageError("the delta reaches outside of the running image")
        piece = memoryview(self._piece)[:count]
        self._source.read(self._at, piece)
        self._at += count
        if into == _ZEROS[:count]:  # most of a small change, and much faster than byte by byte
            into[:] = piece
            return
        for i in range(count):
            into[i] = (into[i] + piece[i]) & 0xFF

    def _next_part(self):
        if self._part == _EXTRA:
            if not self._first:
                jump = self._number()
                self._at += -(jump >> 1) if jump & 1 else jump >> 1
            self._first = False
            self._part = _DIFF
        else:
            self._part = _EXTRA
        count = self._number()
        if count > self._size:
            raise PackageError("a block of the delta makes more than it says")
        if self._part == _DIFF:
            self._idle = not count
        elif self._idle and not count:  # 4 KiB inflate to millions of such rounds: one call would outlast the watchdog
            raise PackageError("a block of the delta makes nothing: build the package again")
        self._count = count

    def _number(self):
        number = shift = 0
        while shift < 35:
            if self._plain.read_into(self._one) != 1:
                raise PackageError("a block of the delta ends early")
            number |= (self._one[0] & 0x7F) << shift
            if self._one[0] < 0x80:
                return number
            shift += 7
        raise PackageError("a number of the delta is too long")

    def _plain_left(self):
        """Return what is left in the block behind its last image byte: nothing, if it is well made."""
        return self._plain.read_into(self._one)
