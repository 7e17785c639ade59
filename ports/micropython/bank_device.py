"""A bank as a file system: a block device that is only read, for littlefs; memory as it is, for ROMFS.

VfsLfs2 takes an image only with exactly the number of blocks that it was made with, which its own first block says.
"""

import struct

import vfs

from agent.compat import const
from agent.errors import FlashError

MOUNTED = "/bank"
_BLOCK = const(1024)  # bytes: what flash_tools/images/lfs2.py makes
_NAME_AT = const(8)  # in the first block: "littlefs", then version, block size and block count
_COUNT, _SIZE, _ERASE = const(4), const(5), const(6)  # of ioctl
_READ_ONLY = const(30)  # EROFS
_READ_SIZE = const(256)  # more than littlefs' own 32: a third of the transactions


class BankDevice:
    """The block device; FlashError where the region holds no image of ours."""

    def __init__(self, region):
        head = bytearray(24)
        region.read(_NAME_AT, head)
        size, self.blocks = struct.unpack_from("<II", head, 16)
        if head[:8] != b"littlefs" or size != _BLOCK or not 2 <= self.blocks <= region.size // _BLOCK:
            raise FlashError("the bank holds no littlefs image of ours")
        self._region = region

    def readblocks(self, block, into, offset=0):
        """Fill `into`."""
        self._region.read(block * _BLOCK + offset, into)

    def writeblocks(self, block, data, offset=0):
        """Refuse."""
        raise OSError(_READ_ONLY, "a bank is only read")

    def ioctl(self, request, argument):
        """Answer what a file system asks."""
        if request == _COUNT:
            return self.blocks
        if request == _SIZE:
            return _BLOCK
        return -_READ_ONLY if request == _ERASE else 0


def mount(bank, kind):
    """Mount a bank's image, never to be written; OSError or FlashError where it cannot be."""
    if kind == "romfs":
        mapped = bank.mapped
        if mapped is None:
            raise FlashError("ROMFS wants a bank in memory")
        system = vfs.VfsRom(mapped)
    else:
        system = vfs.VfsLfs2(BankDevice(bank.image), readsize=_READ_SIZE, progsize=_READ_SIZE, lookahead=32)
    vfs.mount(system, MOUNTED, readonly=True)
