"""Models of parts on I2C for the tests, each of them its own I2cLink, in virtual time. Must run on both interpreters."""

from agent.errors import FlashError
from agent.reset import WATCHDOG
from ports.sim.power import PowerCut, Reset

EFFECTS = ("none", "prefix", "torn", "erased", "page", "done")  # what a cut leaves of a page that is being written
_WRITE_US = 5000


class EepromChip:
    """Answers nothing while it writes, wraps inside a page as silicon does; `plan` lets the supply fail at a byte."""

    def __init__(self, clock, size=4096, page=32, write_us=_WRITE_US):
        self.clock, self.size, self.page, self._write_us = clock, size, page, write_us
        self.cells = bytearray(b"\xff" * size)
        self.silent = self.protected = False
        self.dead = ()  # addresses whose cells do not hold
        self.writes = self.bytes = 0
        self.wear = {}  # writes by page
        self._busy_until = 0
        self._cut_at, self._effect = 0, ""

    def plan(self, count, effect):
        """Let the power fail when that many more bytes have been sent to be written."""
        self._cut_at, self._effect = self.bytes + count, effect

    def reset(self):
        """Let the board be reset: the chip goes on with what it does."""

    def power_on(self):
        """Bring the power back."""
        self._busy_until, self._cut_at = 0, 0

    def write(self, reg, data):
        """Take a page."""
        self._listen()
        self.writes += 1
        self.wear[reg // self.page] = self.wear.get(reg // self.page, 0) + 1
        if self.protected:
            return
        data, start = bytes(data), reg - reg % self.page
        for i in range(len(data)):
            self.bytes += 1
            if self.bytes == self._cut_at:
                self._tear(start, reg, data, i)
        self._busy_until = self.clock.us + self._write_us
        self._keep(start, reg, data)

    def read(self, reg, into):
        """Give what is in the cells."""
        self._listen()
        into[:] = self.cells[reg : reg + len(into)]

    def _listen(self):
        self.clock.advance_us(100)
        if self.silent or self.clock.us < self._busy_until:
            raise FlashError("nobody acknowledges at 0x50")

    def _keep(self, start, reg, data):
        for i in range(len(data)):
            addr = start + (reg - start + i) % self.page
            self.cells[addr] = data[i] if addr not in self.dead else self.cells[addr] ^ 0x10

    def _tear(self, start, reg, data, done):
        """Leave what such a cut may leave: the cells of a page are erased and written together."""
        effect = self._effect
        if effect == "page":
            for addr in range(start, start + self.page):
                self.cells[addr] = addr * 7 + done & 0xFF
        elif effect == "erased":
            for addr in range(reg, reg + len(data)):
                self.cells[addr] = 0xFF
        if effect in ("prefix", "torn", "erased"):
            self._keep(start, reg, data[:done])
        if effect == "torn":
            self.cells[reg + done] &= data[done]
        if effect == "done":
            self._keep(start, reg, data)
        raise PowerCut()


class ThermometerChip:
    """A TMP105; `noise` is what lies behind the bits that it resolves."""

    def __init__(self, milli_c=25000, noise=0):
        self.milli_c, self.noise = milli_c, noise
        self.silent, self.reads = False, 0

    def read(self, reg, into):
        """Give the temperature register."""
        self.reads += 1
        if self.silent:
            raise FlashError("nobody acknowledges at 0x49")
        assert reg == 0 and len(into) == 2
        value = (self.milli_c * 256 // 1000 & 0xFFF0 | self.noise) & 0xFFFF
        into[0], into[1] = value >> 8, value & 0xFF

    def write(self, reg, data):
        """Nobody sets it up."""
        assert False, "a sensor is only read"


class SupervisorChip:
    """A supervisor as a hal.watchdog_i2c.Supervisor describes it; bites in virtual time, when it is spoken to the next time."""

    def __init__(self, clock, kind, stuck=()):
        self.clock, self._kind, self._stuck = clock, kind, stuck
        self.registers, self.silent, self.feeds = {}, False, 0
        self._fed_us = self._ticks = 0

    def read(self, reg, into):
        """Give a register."""
        self._listen()
        into[0] = self.registers.get(reg, 0)

    def write(self, reg, data):
        """Take a register."""
        self._listen()
        kind = self._kind
        if reg not in self._stuck:
            self.registers[reg] = data[0]
        if reg == kind.timeout:
            self._fed_us = self._fed_us if self._ticks else self.clock.us
            self._ticks = data[0]
        if reg == (kind.kick[0] if kind.kick else kind.timeout):
            self._fed_us, self.feeds = self.clock.us, self.feeds + 1

    def look(self):
        """Bite if it is time."""
        limit_us = self._ticks * self._kind.tick_ms * 1000
        if self._ticks and self.clock.us - self._fed_us > limit_us:
            register, mask = self._kind.did_it
            self.registers[register] = self.registers.get(register, 0) | mask
            self._ticks = 0
            raise Reset(WATCHDOG)

    def _listen(self):
        self.clock.advance_us(100)
        self.look()
        if self.silent:
            raise FlashError("nobody acknowledges at 0x51")
