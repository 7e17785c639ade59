"""Raw deflate in blocks: MicroPython's decoder or zlib, whichever there is."""

import io

from agent.sizes import WINDOW_BITS

try:
    import deflate
except ImportError:
    deflate = None
    import zlib


class Inflater:
    """Inflate one whole packed block; `read_into` gives 0 at its end and raises ValueError or OSError where it is broken.

    The block is handed over whole because MicroPython's decoder cannot wait for a socket in the middle of it.
    """

    def __init__(self, packed, window=WINDOW_BITS):
        if deflate:
            self._stream = deflate.DeflateIO(io.BytesIO(packed), deflate.RAW, window)
        else:
            self._stream = None
            self._decoder = zlib.decompressobj(-window)
            self._rest = bytes(packed)

    def read_into(self, into):
        """Fill `into` as far as the block goes; return the number of bytes."""
        if self._stream:
            return self._stream.readinto(into)
        return self._read_zlib(into)

    def _read_zlib(self, into):
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
