"""When the device asks for an update by itself: soon after it starts, then at an interval that jitter spreads a fleet over.

`seconds` is a seconds.Seconds: an interval may be a month, which is longer than a count of milliseconds may run.
"""

_FIRST_S = (60, 600)  # from, to
_CHANGED_S = (10, 60)


class Poll:
    """One timer; `random(below)` comes from the board."""

    def __init__(self, seconds, random, interval_s, changed):
        self._seconds, self._random = seconds, random
        self._interval_s = max(interval_s, 1)
        first, last = _CHANGED_S if changed else _FIRST_S
        self._start(min(first + random(last - first + 1), self._interval_s))

    def again(self):
        """Start one interval, an eighth longer or shorter at most."""
        interval_s = self._interval_s
        self._start(interval_s - interval_s // 8 + self._random(interval_s // 8 * 2 + 1))

    def left_s(self):
        """Return the seconds until it is time, 0 from then on."""
        return max(self.end - self._seconds.now(), 0)

    def _start(self, wait_s):
        self.end = self._seconds.now() + wait_s
