"""Base64 in pieces of any size, in fixed memory. Strict: only white space is overlooked.

`binascii` does the work, but it skips whatever it does not know; so what it was given counts only if it reads the same when
it is encoded again.
"""

import binascii

from agent.compat import const
from agent.errors import ProtocolError

_BULK = const(128)  # characters


class Decoder:
    """Decodes one text; make a new one for the next."""

    def __init__(self):
        self._rest = b""  # of a quantum
        self._padded = 0

    def decode(self, piece, into):
        """Decode `piece` into `into`, which has room for 3/4 of it and 3 bytes; return the number of bytes."""
        filled = 0
        for at in range(0, len(piece), _BULK):
            data = self._rest + piece[at : at + _BULK]
            for blank in b" \t\r\n":
                data = data.replace(bytes((blank,)), b"")
            whole = len(data) & ~3
            self._rest = data[whole:]
            data = data[:whole]
            try:
                raw = binascii.a2b_base64(data)
            except ValueError:
                raw = b""
            if data and self._padded or binascii.b2a_base64(raw)[:-1] != data:
                raise ProtocolError("not base64")
            into[filled : filled + len(raw)] = raw
            filled += len(raw)
            self._padded = self._padded or len(raw) % 3
        return filled

    def finish(self):
        """Refuse a text that ends in the middle of a quantum."""
        if self._rest:
            raise ProtocolError("base64 ends early")
