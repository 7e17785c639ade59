"""The gaps between CPython and MicroPython that the agent meets, closed in one place."""

import binascii
import gc
import hashlib
import sys

try:
    from micropython import const
except ImportError:

    def const(value):
        """Return the value: only MicroPython's compiler makes more of it."""
        return value


crc32 = binascii.crc32


def md5(data=b""):
    """Return an MD5 object; ports without TLS have none of their own, and OMA DM cannot do without."""
    if hasattr(hashlib, "md5"):
        return hashlib.md5(data)
    from agent.md5 import MD5

    return MD5(data)


def loaded():
    """Return how many modules are in memory."""
    return len(sys.modules)


def unload(names, collect=True):
    """Forget modules of this package that are not needed for a while: a small board gets their heap back.

    Without `collect` the heap is only looked through where one of them was there.
    """
    package = sys.modules["agent"]
    for name in names:
        if hasattr(package, name):
            del sys.modules["agent." + name]
            delattr(package, name)
            collect = True
    if collect:
        gc.collect()
