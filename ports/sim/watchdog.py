"""A watchdog in virtual time, and what survives its reset."""

from agent.reset import WATCHDOG
from ports.sim.power import Reset


class Watchdog:
    """Resets when nobody has fed it for `timeout_ms`; remembers the longest time that it was left alone."""

    def __init__(self, clock, timeout_ms):
        self._clock = clock
        self.timeout_ms = timeout_ms
        self._fed_us = clock.us
        self.longest_ms = 0

    def feed(self):
        """Start the time-out again, if it is not over."""
        gap_ms = (self._clock.us - self._fed_us) // 1000
        self.longest_ms = max(self.longest_ms, gap_ms)
        if gap_ms > self.timeout_ms:
            self._clock.us = self._fed_us + self.timeout_ms * 1000
            raise Reset(WATCHDOG)
        self._fed_us = self._clock.us

    def excuse(self):
        """Start the time-out again, whatever it says: the board was let wait by its host, not by itself."""
        self._fed_us = self._clock.us

    def starve(self):
        """Let the time-out run down."""
        self._clock.us = self._fed_us + self.timeout_ms * 1000
        raise Reset(WATCHDOG)


class Scratch:
    """A byte that survives a reset but no power cut: the crash counter of a board that has such memory."""

    remembers = True

    def __init__(self):
        self._value = 0

    def get(self):
        """Return the number kept."""
        return self._value

    def set(self, value):
        """Keep a number."""
        self._value = value
