"""One block of a delta: orders that make the block's image bytes from the running image's, one behind the other.

    number = count << 2 | order: 0 add (that many bytes follow, to be added to the source's), 1 copy from the source,
    2 insert (that many new bytes follow), 3 jump in the source by count >> 1, back where bit 0 of the count is set

Numbers are groups of 7 bits, low ones first, the last without bit 7. Adding and copying move on in the source. A block starts
fresh and ends exactly with its image bytes. Must not know how the bytes were packed.
"""

from agent.compat import const
from agent.errors import PackageError

ADD = const(0)
COPY = const(1)
INSERT = const(2)
JUMP = const(3)
_PIECE = const(256)


class DeltaBlock:
    """Gives the image bytes of one block."""

    def __init__(self, plain, source, source_size, source_at, size):
        self._plain = plain
        self._source = source
        self._source_size = source_size
        self._at = source_at
        self._size = size  # image bytes still to come
        self._order = INSERT
        self._count = 0  # bytes left of the order
        self._piece = bytearray(_PIECE)
        self._one = bytearray(1)

    def readinto(self, into):
        """Fill `into` as far as the block goes; return the number of bytes."""
        done = 0
        while done < len(into):
            if not self._size:
                return done + self._plain_left() if not done else done
            if not self._count:
                self._next()
            count = min(len(into) - done, self._count)
            if self._order == ADD:
                count = min(count, _PIECE)
            self._make(into[done : done + count])
            self._count -= count
            self._size -= count
            done += count
        return done

    def _make(self, into):
        if self._order == COPY:
            self._read_source(into)
            return
        if self._plain.readinto(into) != len(into):
            raise PackageError("a block of the delta ends early")
        if self._order == ADD:
            piece = memoryview(self._piece)[: len(into)]
            self._read_source(piece)
            for i in range(len(into)):
                into[i] = (into[i] + piece[i]) & 0xFF

    def _read_source(self, into):
        if self._at < 0 or self._at + len(into) > self._source_size:
            raise PackageError("the delta reaches outside of the running image")
        self._source.read(self._at, into)
        self._at += len(into)

    def _next(self):
        """Take orders up to one that makes something: one jump at most, a packed block could hold millions of them."""
        number = self._number()
        if number & 3 == JUMP:
            number >>= 2
            self._at += -(number >> 1) if number & 1 else number >> 1
            number = self._number()
        self._order, self._count = number & 3, number >> 2
        if self._order == JUMP or not 0 < self._count <= self._size:
            raise PackageError("a block of the delta makes nothing, or more than it says: build the package again")

    def _number(self):
        number = shift = 0
        while shift < 35:
            if self._plain.readinto(self._one) != 1:
                raise PackageError("a block of the delta ends early")
            number |= (self._one[0] & 0x7F) << shift
            if self._one[0] < 0x80:
                return number
            shift += 7
        raise PackageError("a number of the delta is too long")

    def _plain_left(self):
        """Return what is left in the block behind its last image byte: nothing, if it is well made."""
        return self._plain.readinto(self._one)
