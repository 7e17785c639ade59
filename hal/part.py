"""A range of a flash, which behaves like a whole one: region.py carves it out of a layout. It lives as long as the board does."""

from agent.errors import FlashError


class Region:
    """A range of a flash with the contract of the whole; addresses start at 0."""

    def __init__(self, flash, start, size):
        self.flash = flash
        self.start = start
        self.size = size
        self.page = flash.page
        self.program_unit = flash.program_unit
        self.erase_units = flash.erase_units
        self.blocking = flash.blocking

    def read(self, addr, into):
        """Fill `into` from `addr` on."""
        if addr < 0 or addr + len(into) > self.size:
            self._refuse(addr, len(into))
        self.flash.read(self.start + addr, into)

    def program(self, addr, data):
        """Start to program."""
        if addr < 0 or addr + len(data) > self.size:
            self._refuse(addr, len(data))
        self.flash.program(self.start + addr, data)

    def erase(self, addr, size):
        """Start to erase one unit."""
        if addr < 0 or addr + size > self.size:
            self._refuse(addr, size)
        self.flash.erase(self.start + addr, size)

    def busy(self):
        """Tell whether the flash still works, for this region or another one."""
        return self.flash.busy()

    def _refuse(self, addr, size):
        raise FlashError("0x%x + %d lies outside the region of %d bytes" % (addr, size, self.size))
