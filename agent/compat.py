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


PACKAGE = "agent"  # that of the modules to forget; a firmware in one piece (flash_tools/deploy) has them at the top: ""
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
    """Forget modules that are not needed for a while: a small board gets their heap back. Names are those of this package,
    or whole ones.

    Without `collect` the heap is only looked through where one of them was there.
    """
    for name in names:
        if PACKAGE:
            package = PACKAGE
            if "." in name:
                package, _, name = name.rpartition(".")
            owner = sys.modules.get(package)
            if hasattr(owner, name):
                del sys.modules[package + "." + name]
                delattr(owner, name)
                collect = True
        elif name in sys.modules:
            del sys.modules[name]
            collect = True
    if collect:
        gc.collect()
