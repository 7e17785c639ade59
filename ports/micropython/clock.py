"""The Clock contract on MicroPython. Durations come from a counter that wraps; the date from the clock chip, where one is set.

Boards count their seconds from 1970 or from 2000, and one that nobody has told the time believes in a date of its own.
"""

import time

_TOLD_S = 1767225600  # 2026-01-01: nobody has told the time to a board that believes in an earlier one
FROM_2000 = 946684800


class Clock:
    """`module` stands in for `time` in tests."""

    def __init__(self, module=time):
        self._time = module
        self._diff = module.ticks_diff
        self._epoch = FROM_2000 if module.gmtime(0)[0] == 2000 else 0

    def ms(self):
        """Return the milliseconds of a counter that wraps, at 2^30 on most boards."""
        return self._time.ticks_ms()

    def since(self, then):
        """Return the milliseconds gone since `then`; right for half a round of the counter, which is six days."""
        return self._diff(self.ms(), then)

    def sleep_ms(self, duration_ms):
        """Wait without feeding anything."""
        self._time.sleep_ms(duration_ms)

    def unix(self):
        """Return the seconds since 1970, None where nobody has told them."""
        seconds = int(self._time.time()) + self._epoch
        return seconds if seconds >= _TOLD_S else None
