"""Mounts the image of a bank: littlefs over a block device, ROMFS as the memory that it is.

VfsLfs2 takes an image only with exactly the number of blocks that it was made with, which its own first block says.
"""

import struct

import vfs

from agent.compat import const
from agent.errors import FlashError
from ports.micropython.bank_device import BLOCK, BankDevice

MOUNTED = "/bank"
_NAME_AT = const(8)  # in the first block: "littlefs", then version, block size and block count
_READ_SIZE = const(128)  # littlefs holds three times four of these while a file is open, each four in one piece


def device_of(region):
    """Return the block device; FlashError where the region holds no image of ours."""
    head = bytearray(24)
    region.read(_NAME_AT, head)
    size, blocks = struct.unpack_from("<II", head, 16)
    if head[:8] != b"littlefs" or size != BLOCK or not 2 <= blocks <= region.size // BLOCK:
        raise FlashError("the bank holds no littlefs image of ours")
    return BankDevice(region, blocks)


def mount(bank, kind):
    """Mount a bank's image, never to be written; OSError or FlashError where it cannot be."""
    if kind == "romfs":
        mapped = bank.mapped
        if mapped is None:
            raise FlashError("ROMFS wants a bank in memory")
        system = vfs.VfsRom(mapped)
    else:
        system = vfs.VfsLfs2(device_of(bank.image), readsize=_READ_SIZE, progsize=_READ_SIZE, lookahead=8)
    vfs.mount(system, MOUNTED, readonly=True)
