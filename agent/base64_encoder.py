"""Base64 in pieces of any size, in fixed memory: the way out, for binary values in XML."""

import binascii

from agent.compat import const

_BULK_RAW = const(96)


class Encoder:
    """Encodes one content; make a new one for the next."""

    def __init__(self):
        self._rest = bytearray(3)
        self._count = 0

    def encode(self, piece, into):
        """Encode `piece` into `into`, which has room for 4/3 of it and 4 bytes; return the number of bytes."""
        at, size, filled = 0, len(piece), 0
        while at < size:
            bulk = min((size - at) // 3 * 3, _BULK_RAW)
            if bulk and not self._count:
                filled = _put(piece[at : at + bulk], into, filled)
                at += bulk
                continue
            self._rest[self._count] = piece[at]
            self._count += 1
            at += 1
            if self._count == 3:
                self._count = 0
                filled = _put(self._rest, into, filled)
        return filled

    def finish(self, into):
        """Write the last quantum, padded; return the number of bytes."""
        count, self._count = self._count, 0
        return _put(self._rest[:count], into, 0) if count else 0


def _put(raw, into, at):
    line = binascii.b2a_base64(raw)
    end = at + len(line) - 1
    into[at:end] = line[:-1]
    return end
