"""Real time in the shape of the simulator's clock: whoever moves it forward waits, nobody can move it back."""

import time

try:
    from time import ticks_us  # MicroPython on Unix: it does not wrap within a lifetime
except ImportError:
    from time import monotonic_ns

    def ticks_us():
        """Return microseconds since some time."""
        return monotonic_ns() // 1000


_LONG_US = 20000


class RealClock:
    """The Clock contract and the microseconds that the simulated parts count in."""

    def __init__(self, knows_time=True):
        self._start = ticks_us()
        self._knows_time = knows_time
        self.idle = None  # function (ms): waits, or does something useful for at most so long

    @property
    def us(self):
        """Return the microseconds since the start."""
        return ticks_us() - self._start

    @us.setter
    def us(self, value):
        while self.idle and value - self.us > _LONG_US:
            self.idle((value - self.us) // 1000)
        left_us = value - self.us
        if left_us > 0:
            time.sleep(left_us / 1000000)

    def ms(self):
        """Return the milliseconds since the start."""
        return self.us // 1000

    def since(self, then):
        """Return the milliseconds gone since `then`."""
        return self.ms() - then

    def sleep_ms(self, duration_ms):
        """Wait, as usefully as `idle` can."""
        self.us = self.us + duration_ms * 1000

    def unix(self):
        """Return the wall time, None where the simulated board has none."""
        return int(time.time()) if self._knows_time else None
