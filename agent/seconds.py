"""Counts the seconds since something, for longer than a count of milliseconds runs."""

from agent.compat import const

_FOLD_MS = const(60000)


class Seconds:
    """Counts whole seconds although `clock.ms` wraps; ask at least once in six days, half of the shortest round."""

    def __init__(self, clock):
        self._clock = clock
        self._since = clock.ms()
        self._rest_ms = self._seconds = 0

    def now(self):
        """Return the seconds since this was made."""
        gone_ms = self._clock.since(self._since)
        if not 0 <= gone_ms < _FOLD_MS:  # not at each call: a millisecond may end between the two readings
            self._since = self._clock.ms()
            gone_ms = max(gone_ms, 0) + self._rest_ms
            self._seconds += gone_ms // 1000
            self._rest_ms, gone_ms = gone_ms % 1000, 0
        return self._seconds + (self._rest_ms + gone_ms) // 1000
