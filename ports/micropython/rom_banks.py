"""What a firmware has for ROMFS, as a NOR flash: MicroPython sees it as memory and writes it by `vfs.rom_ioctl`.

A partition is a block device that is memory, too (rp2, mimxrt), or memory that operations 3 and 4 write (stm32, samd, alif). The
latter must be able to erase a part of itself, which older firmware cannot (operation 6 tells), and must be NOR flash.
"""

import vfs

from agent.compat import const
from agent.errors import FlashError

_COUNT, _GET, _PREPARE, _WRITE, _COMPLETE, _LEAST = const(1), const(2), const(3), const(4), const(5), const(6)
_BLOCK = const(4096)  # more than that at once cannot be buffered
_NOR = const(4)  # what a port writes at least on NOR flash; internal flash and MRAM take more, and nothing twice
_EINVAL = const(22)


def partition(number):
    """Return (device, mapped): a block device, and the same as memory; FlashError where this firmware has nothing of use."""
    ioctl = getattr(vfs, "rom_ioctl", None)
    if ioctl is None:
        raise FlashError("this MicroPython is built without ROMFS: use a board with banks elsewhere")
    count = ioctl(_COUNT)
    if not 0 <= number < count:
        raise FlashError("there is no ROMFS partition %d: this firmware has %d" % (number, max(0, count)))
    found = ioctl(_GET, number)
    if hasattr(found, "writeblocks"):
        return found, memoryview(found)
    return _Operations(ioctl, number, found), found


class _Operations:
    """The block protocol over operations 3 to 5."""

    def __init__(self, ioctl, number, mapped):
        self._ioctl, self._number, self._size = ioctl, number, len(mapped)
        least = _or_none(ioctl, _LEAST, number)
        if least is None or least <= 0:
            raise FlashError("this MicroPython erases ROMFS only as a whole: a newer one is needed")
        if least > _BLOCK:
            raise FlashError("the flash erases %d bytes at once, at most %d can be buffered" % (least, _BLOCK))

    def writeblocks(self, block, data, offset):
        """Program."""
        wrong = self._ioctl(_WRITE, self._number, block * _BLOCK + offset, data)
        return wrong or self._complete()

    def ioctl(self, request, argument):
        """Tell the size, or erase."""
        if request == 4:
            return self._size // _BLOCK
        if request == 5:
            return _BLOCK
        unit = self._ioctl(_PREPARE, self._number, argument * _BLOCK, _BLOCK)
        if unit > _NOR:
            raise FlashError("this ROMFS takes %d bytes at once, and none twice: banks need NOR flash" % unit)
        return unit if unit < 0 else self._complete()

    def _complete(self):
        """Let the port end what it keeps back; one that keeps nothing does not know this."""
        wrong = _or_none(self._ioctl, _COMPLETE, self._number)
        return 0 if wrong is None else wrong


def _or_none(ioctl, *arguments):
    """Return what an operation says, None where the port does not know it."""
    try:
        said = ioctl(*arguments)
    except (OSError, TypeError, ValueError):
        return None
    return None if said == -_EINVAL else said
