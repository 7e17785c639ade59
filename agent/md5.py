"""MD5 for ports whose hashlib has none (it comes with TLS there). Slow, and only imported where nothing else is to be had."""

import struct

from agent.compat import const

_MASK = const(0xFFFFFFFF)
_SHIFTS = b"\x07\x0c\x11\x16\x05\x09\x0e\x14\x04\x0b\x10\x17\x06\x0a\x0f\x15"
_LIMIT = const(64)
_table = []  # made once: it takes longer than a block


def _sines():
    """Return floor(2**32 * abs(sin(n))) for n from 1 to 64, with integers only: floats of ports have 23 bits or 52."""
    one = 1 << 96
    sin1, cos1 = _series(one, 1), _series(one, 0)
    table, sine, cosine = [], sin1, cos1
    for _ in range(_LIMIT):
        table.append(abs(sine) >> 64)
        sine, cosine = (sine * cos1 + cosine * sin1) // one, (cosine * cos1 - sine * sin1) // one
    return table


def _series(one, first):
    """Return sin(1) (first = 1) or cos(1) (first = 0) as a fixed-point number."""
    total, term, n = 0, one, first
    while term:
        total += term
        term = -(abs(term) // ((n + 1) * (n + 2))) if term > 0 else abs(term) // ((n + 1) * (n + 2))
        n += 2
    return total


class MD5:
    """The part of hashlib's interface that the agent uses."""

    def __init__(self, data=b""):
        self._state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
        self._block = bytearray(64)
        self._size = 0
        if not _table:
            _table.extend(_sines())
        self.update(data)

    def update(self, data):
        """Take in more bytes."""
        for byte in data:
            self._block[self._size & 63] = byte
            self._size += 1
            if not self._size & 63:
                self._mix()

    def digest(self):
        """Return the sixteen bytes."""
        bits = self._size * 8
        self.update(b"\x80")
        while self._size & 63 != 56:
            self.update(b"\x00")
        self.update(struct.pack("<II", bits & _MASK, bits >> 32))
        return struct.pack("<IIII", *self._state)

    def _mix(self):
        words = struct.unpack("<16I", self._block)
        a, b, c, d = self._state
        for i in range(_LIMIT):
            turn = i >> 4
            if turn == 0:
                f, k = b & c | ~b & d, i
            elif turn == 1:
                f, k = d & b | ~d & c, 5 * i + 1
            elif turn == 2:
                f, k = b ^ c ^ d, 3 * i + 5
            else:
                f, k = c ^ (b | ~d & _MASK), 7 * i
            f = (f & _MASK) + a + _table[i] + words[k & 15] & _MASK
            shift = _SHIFTS[turn << 2 | i & 3]
            a, d, c, b = d, c, b, b + (f << shift | f >> 32 - shift) & _MASK
        for i, value in enumerate((a, b, c, d)):
            self._state[i] = self._state[i] + value & _MASK
