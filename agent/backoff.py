"""How long to wait before the next try of something that may help itself: doubling, capped, with jitter."""

from agent.compat import const

_FIRST_MS = const(30000)
_MOST_MS = const(3600000)


class Backoff:
    """Counts failures in a row; `random(below)` comes from the board."""

    def __init__(self, random, tries):
        self._random = random
        self._tries = tries
        self.failures = 0

    def reset(self):
        """Something worked."""
        self.failures = 0

    def fail(self):
        """Count a failure; return the milliseconds to wait, -1 when enough was tried."""
        self.failures += 1
        if self.failures > self._tries:
            return -1
        wait_ms = min(_FIRST_MS << min(self.failures - 1, 7), _MOST_MS)
        return wait_ms - wait_ms // 4 + self._random(wait_ms // 4 + 1)
