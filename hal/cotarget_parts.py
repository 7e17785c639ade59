"""What a board with a target beside it gives the agent as banks, and how it hears from a target that has no serial line."""

from agent.errors import FlashError, PackageError


class LineProbe:
    """A target without a serial line: `pin()` is 1 while what it runs is confirmed. Low says nothing: it may start, or try."""

    trouble = ""

    def __init__(self, pin):
        self._pin = pin

    def active(self, wait_ms):
        """Return (None, True) where the line is high."""
        return (None, True) if self._pin() else None

    def confirm(self, wait_ms):
        """Return what `active` does: nobody can tell this target anything."""
        return self.active(wait_ms)


class SlotImage:
    """The image of one number: the slot while the target keeps the other one, else out of reach."""

    program_unit = 1
    blocking = False
    start = 0

    def __init__(self, number, boot, region, room):
        self._number, self._boot, self._region = number, boot, region
        self.size = room
        self.page, self.erase_units = region.page, region.erase_units

    def read(self, addr, into):
        """Fill `into` from `addr` on."""
        self._ours().read(addr, into)

    def program(self, addr, data):
        """Start to program."""
        self._ours(len(data) + addr).program(addr, data)

    def erase(self, addr, size):
        """Start to erase one unit."""
        self._ours(addr + size).erase(addr, size)

    def busy(self):
        """Tell whether the flash still works."""
        return self._region.busy()

    def _ours(self, end=0):
        if self._number == self._boot.confirmed():
            raise PackageError("what the target runs cannot be read from here: offer the full image, no delta", 403)
        if end > self.size:
            raise FlashError("0x%x lies in the trailer of the target's slot" % end)
        return self._region


class KeptHeader:
    """The header of one number; blank where the target has confirmed an image that nobody here knows."""

    def __init__(self, number, boot, region):
        self._number, self._boot, self._region = number, boot, region
        self.size, self.page, self.erase_units = region.size, region.page, region.erase_units
        self.program, self.erase, self.busy = region.program, region.erase, region.busy
        self.program_unit, self.blocking, self.start = region.program_unit, region.blocking, region.start

    def read(self, addr, into):
        """Fill `into` from `addr` on."""
        if self._boot.strange and self._number == self._boot.confirmed():
            into[:] = b"\xff" * len(into)
        else:
            self._region.read(addr, into)
