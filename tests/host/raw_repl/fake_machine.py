"""The module `machine` of the board: pins that are remembered, one SPI bus with one flash on it, resets."""

import sys
import time


class HardReset(BaseException):
    """The board begins anew."""


class FastClock:
    """The chip's time: real time, faster, so that erases do not make tests slow."""

    def __init__(self, speed):
        self._speed, self._extra_us, self._start = speed, 0, time.ticks_us()

    @property
    def us(self):
        return time.ticks_diff(time.ticks_us(), self._start) * self._speed + self._extra_us

    @us.setter
    def us(self, value):
        self._extra_us += value - self.us


class Pin:
    """A pin by its number; the one that is the flash's chip select moves it."""

    IN, OUT, OPEN_DRAIN, PULL_UP, PULL_DOWN = 0, 1, 2, 1, 2
    values = {}
    cs, bus = None, None

    def __init__(self, number, mode=-1, pull=-1, value=None):
        self._number = number
        if value is not None:
            self.value(value)

    def init(self, mode=-1, pull=-1, value=None):
        """Set the pin up."""
        if value is not None:
            self.value(value)

    def value(self, level=None):
        """Set or tell the level."""
        before = Pin.values.get(self._number, 1)
        if level is None:
            return before
        Pin.values[self._number] = 1 if level else 0
        if self._number == Pin.cs and before != Pin.values[self._number]:
            Pin.bus.deselect() if level else Pin.bus.select()

    __call__ = value

    def on(self):
        """Set it high."""
        self.value(1)

    def off(self):
        """Set it low."""
        self.value(0)


class SPI:
    """The only bus: number 0; its chip answers where chip select is the right pin."""

    MSB, LSB = 0, 1

    def __init__(self, number=0, baudrate=1000000, **wires):
        if number != 0:
            raise ValueError("SPI(%d) doesn't exist" % number)
        self.baudrate = baudrate

    def init(self, baudrate=1000000, **more):
        """Set it up."""
        self.baudrate = baudrate

    def deinit(self):
        """Let go of it."""

    def write(self, data):
        """Send."""
        Pin.bus.write(data)

    def readinto(self, into, write=0):
        """Receive."""
        into[:] = Pin.bus.read(len(into))

    def read(self, count, write=0):
        """Receive."""
        return bytes(Pin.bus.read(count))


class Machine:
    """What `import machine` gives."""

    Pin, SPI, SoftSPI = Pin, SPI, SPI
    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5

    def __init__(self, chip, bus, cs):
        self.chip = chip  # for tests alone: no board has it
        Pin.bus, Pin.cs = bus, cs

    def reset(self):
        """Reset."""
        raise HardReset

    def soft_reset(self):
        """Begin anew without a reset."""
        raise SystemExit

    def reset_cause(self):
        """Tell why the board began."""
        return self.PWRON_RESET

    def unique_id(self):
        """Tell the board's number."""
        return b"\xe6\x61\x40\x10\x20\x30\x40\x50"

    def freq(self, hz=None):
        """Tell how fast it runs."""
        return 125000000

    def idle(self):
        """Do nothing."""


class Micropython:
    """The module `micropython` with a keyboard interrupt that the line's other end is told of."""

    def __init__(self, real, tell):
        self._tell = tell
        for name in dir(real):
            if not name.startswith("_"):
                setattr(self, name, getattr(real, name))
        self.kbd_intr = lambda code: tell("kbd %d" % code)


def leave(code):
    """End the process: the board is without power, or begins anew."""
    sys.exit(code)
