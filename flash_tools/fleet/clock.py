"""The time of one device of a fleet: the host's, and never a rest in it.

What would wait (a flash operation, a bus, serial recovery) moves the device's own time ahead; the loop leaves a device alone
until the host's time has come so far. So one thread serves many devices, and to each of them its flash takes its time.
"""

import time

from ports.sim.real_clock import RealClock


class FleetClock(RealClock):
    """The clock of a simulated device whose waiting holds nobody else up."""

    def __init__(self):
        super().__init__()
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
