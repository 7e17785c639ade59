"""A strict NOR flash in virtual time: it refuses what silicon would silently get wrong, and loses power where it is told to.

It is the Flash contract itself, below it there is no bus (the model that speaks SPI is spi_chip.py). Cells are kept by
page and never changed in place, so that a snapshot is a copy of one small dictionary.
"""

from agent.errors import FlashError
from ports.sim import faults
from ports.sim.power import Violation


class Geometry:
    """What the model must know of a chip; times are microseconds, `units` is ((size, typ, max), ...) smallest first."""

    def __init__(self, name, size, units, page_us, slot_us, hz=24000000, page=256):
        self.name = name
        self.size = size
        self.units = units
        self.page_us = page_us  # (typ, max) of a whole page
        self.slot_us = slot_us  # (first byte, each further byte), typical
        self.hz = hz
        self.page = page


class Nor:
    """The chip: its cells outlive every power cut, the rest is wiring that `power_on` makes anew."""

    program_unit = 1
    poll_us = 20  # one status poll of a driver that does not sleep; a harness that has no use for polls sets more

    def __init__(self, geometry, clock, worst=False, blocking=False):
        self.geometry = geometry
        self.clock = clock
        self.blocking = blocking  # as a port that cannot poll: nobody feeds while the chip works
        self.worst = worst  # charge the maximum times, for the watchdog
        self.size = geometry.size
        self.page = geometry.page
        self.erase_units = tuple((size, (most + 999) // 1000) for size, _, most in geometry.units)
        self.sector = geometry.units[0][0]
        self.pages = {}
        self.faults = faults.Faults(self)
        self.guard = ()  # (start, end) of ranges that nobody may write: the confirmed bank
        self.wear = {}  # erases by sector
        self.ops = 0
        self.bytes_read = 0
        self._busy_until = 0
        self._feed = _nobody

    def power_on(self, feed, cold=True):
        """Begin a boot: `cold` after a power cut, else the chip goes on with what it was doing."""
        self._feed = feed
        if cold:
            self._busy_until = 0
            self.faults.power_on()

    def snapshot(self):
        """Return everything that survives a power cut, to branch from."""
        return (dict(self.pages), self.faults.snapshot(), dict(self.wear))

    def restore(self, saved):
        """Go back to a snapshot."""
        self.pages = dict(saved[0])
        self.faults.restore(saved[1])
        self.wear = dict(saved[2])
        self._busy_until = 0

    def busy(self):
        """Tell whether the chip still works; asking takes the time of a poll."""
        if self.clock.us >= self._busy_until:
            return False
        self.clock.us += self.poll_us
        return True

    def read(self, addr, into):
        """Fill `into` once the chip is idle."""
        size = len(into)
        self._check(addr, size)
        self._wait()
        self.clock.us += (size + 5) * 8000000 // self.geometry.hz
        self.bytes_read += size
        if self.faults.active:
            self.faults.read(addr, into)
        else:
            self.copy(addr, into)

    def copy(self, addr, into):
        """Copy what the cells hold, without time or faults."""
        done, size, page_size = 0, len(into), self.page
        page, offset = divmod(addr, page_size)
        if offset + size <= page_size:
            cells = self.pages.get(page)
            into[:] = cells[offset : offset + size] if cells else b"\xff" * size
            return
        while done < size:
            page, offset = divmod(addr + done, page_size)
            count = min(page_size - offset, size - done)
            cells = self.pages.get(page)
            into[done : done + count] = cells[offset : offset + count] if cells else b"\xff" * count
            done += count

    def program(self, addr, data):
        """Start to program one page or less of it."""
        size = len(data)
        self._check(addr, size)
        if not size or addr // self.page != (addr + size - 1) // self.page:
            raise Violation("program of %d bytes at 0x%x crosses a page" % (size, addr))
        self._wait()
        self._guard(addr, size)
        self.clock.us += (size + 5) * 8000000 // self.geometry.hz
        self._busy_until = self.clock.us + self._program_us(size)
        self.faults.program(addr, bytes(data))
        self._block()

    def erase(self, addr, size):
        """Start to erase one unit."""
        self._check(addr, size)
        times = [unit for unit in self.geometry.units if unit[0] == size]
        if not times or addr % size:
            raise Violation("erase of %d bytes at 0x%x is not a unit of the chip" % (size, addr))
        self._wait()
        self._guard(addr, size)
        self._busy_until = self.clock.us + times[0][2 if self.worst else 1]
        for sector in range(addr // self.sector, (addr + size) // self.sector):
            self.wear[sector] = self.wear.get(sector, 0) + 1
        self.faults.erase(addr, size)
        self._block()

    def strict(self, page, new, data):
        """Refuse a program that would have to set bits: silicon would leave a mixture without a word."""
        if new != data and page * self.page // self.sector not in self.faults.bad:
            raise Violation("programmed over data in page 0x%x" % (page * self.page))

    def load(self, addr, data):
        """Put `data` on the chip without time or operations, as a factory programmer does."""
        for start in range(0, len(data), self.page):
            piece = bytes(data[start : start + self.page])
            self.pages[(addr + start) // self.page] = piece + b"\xff" * (self.page - len(piece))

    def _program_us(self, size):
        if self.worst:
            return self.geometry.page_us[1]
        first, further = self.geometry.slot_us
        return min(self.geometry.page_us[0], first + further * (size - 1))

    def _block(self):
        if self.blocking:
            self.clock.us = max(self.clock.us, self._busy_until)

    def _wait(self):
        if self.faults.stuck:
            raise FlashError("the flash stays busy: check its supply")
        if self.blocking:
            self._feed()
        left = self._busy_until - self.clock.us
        while left > 0:
            self._feed()
            self.clock.us += min(max(1000, self.poll_us), left) if left > 2000 else min(self.poll_us, left)
            left = self._busy_until - self.clock.us

    def _check(self, addr, size):
        if addr < 0 or addr + size > self.size:
            raise FlashError("0x%x + %d lies outside the flash of %d bytes" % (addr, size, self.size))

    def _guard(self, addr, size):
        self.ops += 1
        for start, end in self.guard:
            if addr < end and addr + size > start:
                raise Violation("wrote 0x%x of the confirmed bank" % addr)


def _nobody():
    """Feed no watchdog."""
