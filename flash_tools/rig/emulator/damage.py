"""What a power cut can leave on a NOR chip and QEMU never does: half-programmed pages and half-erased sectors.

QEMU carries out a command to the chip whole or not at all, so the damage is made here: in the chip's file while the board is off,
or by chip_server.py in the operation that the power is cut in. The same seed does the same damage.
"""

import random
from pathlib import Path

from flash_tools.errors import UsageError

PAGE, SECTOR = 256, 4096
_ERASED = 0xFF


def torn_page(before: bytes, after: bytes, rng: random.Random) -> bytes:
    """Return a page between two states of it: its first bytes programmed, one byte with some of its bits, the rest untouched."""
    _check(before, after)
    if any(new & ~old for old, new in zip(before, after, strict=True)):
        raise UsageError("programming clears bits only, and this page would have some set")
    changed = [index for index, old in enumerate(before) if old != after[index]]
    if not changed:
        return before
    torn = rng.choice(changed)
    byte = before[torn] & (after[torn] | rng.randrange(256))
    return after[:torn] + bytes([byte]) + before[torn + 1 :]


def half_erased(before: bytes, rng: random.Random) -> bytes:
    """Return a sector in the middle of its erasing: some bytes erased, some untouched, some with a part of their bits."""
    share = rng.random()
    return bytes(_erasing(byte, share, rng) for byte in before)


def tear(image: Path, address: int, data: bytes, seed: int) -> bytes:
    """Program `data` at an address, inside of one page, but lose the power in between; return what stands there."""
    if address % PAGE + len(data) > PAGE:
        raise UsageError("%d bytes at %#x do not fit one page of %d bytes" % (len(data), address, PAGE))
    before = _read(image, address, len(data))
    after = bytes(old & new for old, new in zip(before, data, strict=True))
    return _write(image, address, torn_page(before, after, random.Random(seed)))


def half_erase(image: Path, address: int, seed: int) -> bytes:
    """Erase the sector at an address, but lose the power in between; return what stands there."""
    start = address - address % SECTOR
    return _write(image, start, half_erased(_read(image, start, SECTOR), random.Random(seed)))


def _erasing(byte, share, rng):
    draw = rng.random()
    if draw < share / 2:
        return _ERASED
    return byte | rng.randrange(256) if draw < share else byte


def _check(before, after):
    if len(before) != len(after):
        raise UsageError("the two states have %d and %d bytes" % (len(before), len(after)))


def _read(image, address, size):
    with open(image, "rb") as file:
        file.seek(address)
        data = file.read(size)
    if len(data) != size:
        raise UsageError("%s ends before %#x" % (image, address + size))
    return data


def _write(image, address, data):
    with open(image, "r+b") as file:
        file.seek(address)
        file.write(data)
    return data
