"""The Clock contract on Linux. A board without a clock chip starts in 1970, or where its last shutdown left it."""

import time

TOLD_S = 1767225600  # 2026-01-01: nobody has told the time to a system that believes in an earlier one


class Clock:
    """The monotonic clock for durations, the system's for the date; `now` and `monotonic_ns` stand in for them in tests."""

    def __init__(self, now=time.time, monotonic_ns=time.monotonic_ns):
        self._now, self._monotonic_ns = now, monotonic_ns

    def ms(self):
        """Return the milliseconds of the monotonic clock, which setting the date does not touch."""
        return self._monotonic_ns() // 1000000

    def since(self, then):
        """Return the milliseconds gone since `then`."""
        return self.ms() - then

    def sleep_ms(self, duration_ms):
        """Wait without feeding anything."""
        time.sleep(duration_ms / 1000)

    def unix(self):
        """Return the system's seconds since 1970, None where nobody has told it."""
        seconds = int(self._now())
        return seconds if seconds >= TOLD_S else None
