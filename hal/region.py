"""Parts of a flash: a layout is carved once, checked once, and from then on nobody can write outside of what he was handed.

A layout is a tuple of (name, start, size). It belongs to the first stage; a package says by the hash for which one it was made.
"""

import binascii
import hashlib

from agent.errors import FlashError
from hal.part import Region

__all__ = ("Region", "carve", "layout_hash", "wraps")


def carve(flash, layout):
    """Return the regions of `layout` by name; raise FlashError for one that overlaps, sticks out or is not aligned."""
    sector = flash.erase_units[0][0]
    regions, end, before = {}, 0, ""
    for name, start, size in sorted(layout, key=_start):
        if start % sector or size % sector or not size:
            raise FlashError("region %s is not aligned to the %d bytes the chip erases at once" % (name, sector))
        if start < end:
            raise FlashError("regions %s and %s overlap" % (before, name))
        if start + size > flash.size:
            raise FlashError("region %s ends at 0x%x, the flash at 0x%x" % (name, start + size, flash.size))
        if name in regions:
            raise FlashError("two regions are called " + name)
        regions[name] = Region(flash, start, size)
        end, before = start + size, name
    return regions


def layout_hash(layout):
    """Return 16 hexadecimal digits that differ wherever two layouts do."""
    digest = hashlib.sha256()
    for name, start, size in sorted(layout, key=_start):
        digest.update(("%s %d %d\n" % (name, start, size)).encode())
    return str(binascii.hexlify(digest.digest()[:8]), "ascii")


def wraps(flash, addr, probe_size=64):
    """Tell whether the chip shows what is at `addr` at another address too: it is smaller than it says.

    `addr` must hold something that occurs once on the chip, a boot record for one. Every power of two is tried.
    """
    mine, other = bytearray(probe_size), bytearray(probe_size)
    flash.read(addr, mine)
    step = flash.size // 2
    while step >= flash.erase_units[0][0]:
        if addr ^ step < flash.size:
            flash.read(addr ^ step, other)
            if other == mine:
                return True
        step //= 2
    return False


def _start(part):
    return part[1]
