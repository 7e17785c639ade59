"""Whom the devices of tests/portable trust: the keys of the vectors, each signature checked in Python once."""

from agent import p256
from tests.data import vectors

_memory = {}


def verify(key, digest, signature):
    """Check a signature as a device without a library does; the same one is not computed twice."""
    name = (bytes(digest), bytes(signature))
    if name not in _memory:
        _memory[name] = p256.verify(key, digest, signature)
    return _memory[name]


class Identity:
    """What the device is and trusts."""

    product, model = "bench", "sim2"
    anchors = ((vectors.KID, vectors.KEY),)

    @staticmethod
    def verify(key, digest, signature):
        """Check a signature."""
        return verify(key, digest, signature)
