"""Base64 in pieces of any size, in fixed memory. Strict: only white space is overlooked.

`binascii` does the work, but it skips whatever it does not know; so what it was given counts only if it reads the same when
it is encoded again. If that fails for a long piece, the piece is taken again quantum by quantum without its white space.
"""

import binascii

from agent.compat import const
from agent.errors import ProtocolError

_BULK = const(128)  # characters; a multiple of 4


class Decoder:
    """Decodes one text; make a new one for the next."""

    def __init__(self):
        self._quantum = bytearray(4)
        self._count = 0
        self._padded = False

    def decode(self, piece, into):
        """Decode `piece` into `into`, which has room for 3/4 of it and 3 bytes; return the number of bytes."""
        at, size, filled = 0, len(piece), 0
        while at < size:
            slow_to = at
            if not self._count:
                slow_to += _BULK
                bulk = min(size - at & ~3, _BULK)
                count = self._put(piece[at : at + bulk], into, filled)
                if count:
                    filled += count
                    at += bulk
                    continue
            while at < size and (at < slow_to or self._count):
                byte = piece[at]
                at += 1
                if byte in b" \t\r\n":
                    continue
                self._quantum[self._count] = byte
                self._count = self._count + 1 & 3
                if not self._count:
                    count = self._put(self._quantum, into, filled)
                    if not count:
                        raise ProtocolError("not base64")
                    filled += count
        return filled

    def finish(self):
        """Refuse a text that ends in the middle of a quantum."""
        if self._count:
            raise ProtocolError("base64 ends early")

    def _put(self, chunk, into, at):
        """Decode whole quanta and return the number of bytes; 0 where something is wrong with them."""
        try:
            raw = binascii.a2b_base64(chunk)
        except ValueError:
            return 0
        count = len(raw)
        if self._padded or binascii.b2a_base64(raw)[:-1] != chunk:
            return 0
        into[at : at + count] = raw
        self._padded = count % 3 > 0
        return count
