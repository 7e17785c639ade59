"""The time of one device of a fleet: the host's, and never a rest in it.

What would wait (a flash operation, a bus, serial recovery) moves the device's own time ahead; the loop leaves a device alone
until the host's time has come so far. So one thread serves many devices, and to each of them its flash takes its time.
"""

import time


class FleetClock:
    """The Clock contract and the microseconds that the simulated parts count in."""

    def __init__(self):
        self._start_ns = time.monotonic_ns()
        self._ahead_us = 0

    @property
    def us(self):
        """Return the microseconds since the start, as this device has lived through them."""
        return max((time.monotonic_ns() - self._start_ns) // 1000, self._ahead_us)

    @us.setter
    def us(self, value):
        self._ahead_us = max(self._ahead_us, value)

    @property
    def host_s(self):
        """Return when, in the time of time.monotonic(), the host will be where the device is."""
        return self._start_ns / 1e9 + self._ahead_us / 1e6

    @property
    def is_ahead(self):
        """Tell whether the host has not come as far as the device."""
        return self._ahead_us > (time.monotonic_ns() - self._start_ns) // 1000

    def ms(self):
        """Return the milliseconds since the start."""
        return self.us // 1000

    def since(self, then):
        """Return the milliseconds gone since `then`."""
        return self.ms() - then

    def sleep_ms(self, duration_ms):
        """Let time go by, for this device only."""
        self.us = self.us + duration_ms * 1000

    def unix(self):
        """Return the wall time."""
        return int(time.time())
