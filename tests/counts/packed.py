"""A mebibyte that packs about as well as device code does, in blocks like those of a package: the same bytes in every run."""

import random
import struct
import zlib

from agent.sizes import WINDOW_BITS
from tests.counts.works import MIB

_BLOCK = 8192
_WORDS, _LONGEST = 700, 12


def blocks() -> bytes:
    """Return the packed blocks, each behind its size."""
    made = b""
    plain = _plain()
    for at in range(0, MIB, _BLOCK):
        packer = zlib.compressobj(9, zlib.DEFLATED, -WINDOW_BITS, 9)
        packed = packer.compress(plain[at : at + _BLOCK]) + packer.flush()
        made += struct.pack("<H", len(packed)) + packed
    return made


def _plain():
    """Return words of a vocabulary, the first of them more often."""
    draw = random.Random(1)
    words = [draw.randbytes(draw.randint(2, _LONGEST)) for _ in range(_WORDS)]
    made = bytearray()
    while len(made) < MIB:
        made += words[int(draw.random() ** 2 * _WORDS)]
    return bytes(made[:MIB])
