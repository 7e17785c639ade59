"""A bank as a block device that is only read, for littlefs; bank_mount.py makes and mounts it."""

from agent.compat import const

BLOCK = const(1024)  # bytes: what flash_tools/images/lfs2.py makes
_COUNT, _SIZE, _ERASE = const(4), const(5), const(6)  # of ioctl
_READ_ONLY = const(30)  # EROFS


class BankDevice:
    """The block device over a region, of so many blocks, none of them asked for by littlefs that is not there."""

    def __init__(self, region, blocks):
        self._flash, self._start, self.blocks = region.flash, region.start, blocks  # one call less: stacks are small

    def readblocks(self, block, into, offset=0):
        """Fill `into`."""
        self._flash.read(self._start + block * BLOCK + offset, into)

    def writeblocks(self, block, data, offset=0):
        """Refuse."""
        raise OSError(_READ_ONLY, "a bank is only read")

    def ioctl(self, request, argument):
        """Answer what a file system asks."""
        if request == _COUNT:
            return self.blocks
        if request == _SIZE:
            return BLOCK
        return -_READ_ONLY if request == _ERASE else 0
