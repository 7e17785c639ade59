"""Raw deflate in blocks: MicroPython's decoder or zlib, whichever there is."""

import io

from agent.sizes import WINDOW_BITS

try:
    import deflate
except ImportError:
    deflate = None
    import zlib


def room_for(size):
    """Return a BytesIO that a packed block of that size is written into: the decoder reads it there, no copy is made."""
    return io.BytesIO(size) if deflate else io.BytesIO()


def inflated(packed, window=WINDOW_BITS):
    """Return a stream of what a whole packed block makes; `packed` is a BytesIO that stands at its beginning.

    Its `readinto` fills the buffer as far as the block goes, gives 0 at its end and raises ValueError or OSError where it is
    broken. The block is there whole because MicroPython's decoder cannot wait for a socket in the middle of it.
    """
    if deflate:
        return deflate.DeflateIO(packed, deflate.RAW, window)
    return _Inflated(packed.read(), window)


class _Inflated:
    def __init__(self, packed, window):
        self._decoder = zlib.decompressobj(-window)
        self._rest = packed

    def readinto(self, into):
        filled = 0
        while filled < len(into) and not self._decoder.eof:
            try:
                piece = self._decoder.decompress(self._rest, len(into) - filled)
            except zlib.error as e:
                raise ValueError(str(e))
            self._rest = self._decoder.unconsumed_tail
            if not piece and not self._decoder.eof:
                raise OSError(5, "the packed block ends early")
            into[filled : filled + len(piece)] = piece
            filled += len(piece)
        return filled
