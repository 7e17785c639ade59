"""Virtual time: it passes only when somebody says so, which makes a long update short and every run the same."""


class Clock:
    """The Clock contract over a counter of microseconds."""

    def __init__(self, unix=None):
        self.us = 0
        self._unix = unix

    def ms(self):
        """Return the virtual milliseconds since the start."""
        return self.us // 1000

    def since(self, then):
        """Return the milliseconds gone since `then`."""
        return self.us // 1000 - then

    def sleep_ms(self, duration_ms):
        """Let the time pass."""
        self.us += duration_ms * 1000

    def advance_us(self, duration_us):
        """Let a part of a millisecond pass."""
        self.us += duration_us

    def unix(self):
        """Return the wall time, None where the simulated board has none."""
        return None if self._unix is None else self._unix + self.us // 1000000
