"""The Flash contract over MicroPython's block protocol in its extended form: a part of the board's own flash.

`device` is one whose memory is NOR flash, which the protocol does not say: `writeblocks` with an offset clears bits and never
erases, `ioctl(6, block)` erases. `mapped` is the same flash as memory, where it can be seen so.
"""

from agent.compat import const
from agent.errors import FlashError

_COUNT, _SIZE, _ERASE = const(4), const(5), const(6)  # of ioctl


class FlashBlocks:
    """`feed` is called before each operation; `erase_ms` is the longest time of one."""

    blocking = True
    program_unit = 1

    def __init__(self, device, feed, mapped=None, page=256, erase_ms=400):
        self._device = device
        self._feed = feed
        self._block = device.ioctl(_SIZE, 0)
        self.size = device.ioctl(_COUNT, 0) * self._block
        if mapped is not None and len(mapped) != self.size:
            raise FlashError("the flash has %d bytes, %d of them as memory" % (self.size, len(mapped)))
        self.mapped = mapped
        self.page = page
        self.erase_units = ((self._block, erase_ms),)
        self._page = bytearray(page)
        self._blank = b"\xff" * page

    def read(self, addr, into):
        """Fill `into` from `addr` on."""
        size = len(into)
        self._check(addr, size)
        if self.mapped is not None:
            into[:] = self.mapped[addr : addr + size]
            return
        view, done = memoryview(into), 0
        while done < size:
            block, offset = divmod(addr + done, self._block)
            count = min(self._block - offset, size - done)
            self._do(self._device.readblocks, block, view[done : done + count], offset)
            done += count

    def program(self, addr, data):
        """Clear bits within one page, which goes out whole: ports take nothing less, and what is blank in it changes nothing."""
        size = len(data)
        self._check(addr, size)
        start = addr % self.page
        if not size or start + size > self.page:
            raise FlashError("%d bytes at 0x%x do not lie within one page" % (size, addr))
        self._page[:] = self._blank
        self._page[start : start + size] = data
        block, offset = divmod(addr - start, self._block)
        self._do(self._device.writeblocks, block, self._page, offset)

    def erase(self, addr, size):
        """Erase one block."""
        self._check(addr, size)
        if size != self._block or addr % size:
            raise FlashError("a block has %d bytes, not %d at 0x%x" % (self._block, size, addr))
        self._do(self._device.ioctl, _ERASE, addr // size)

    def busy(self):
        """Tell that nothing goes on: each call returns when the flash is done."""
        return False

    def require(self, start, size):
        """There is room: a part of the chip that runs cannot be another one."""

    def _do(self, action, *arguments):
        self._feed()
        try:
            wrong = action(*arguments)
        except OSError as e:
            raise FlashError("the flash does not answer: %s" % e)
        if wrong:
            raise FlashError("the flash refuses to be read or written: error %d" % wrong)

    def _check(self, addr, size):
        if addr < 0 or addr + size > self.size:
            raise FlashError("0x%x + %d lies outside the flash of %d bytes" % (addr, size, self.size))
