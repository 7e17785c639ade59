"""The watchdog's share in the update: how long the flash may keep us, and when to feed.

A port makes the real thing with `timeout_ms` read back from the hardware; nobody above the port feeds by another way.
"""

from agent.compat import const

_SHARE = const(2)  # between two feeds at most the timeout over this


def clamp(wanted_ms, least_ms, most_ms, step_ms=1):
    """Return the nearest timeout that the hardware can do, the next shorter one between two steps."""
    return max(least_ms, min(wanted_ms, most_ms) // step_ms * step_ms)


def fitting_units(erase_units, timeout_ms):
    """Return the erase units whose longest time leaves the watchdog its share; the smallest one always."""
    fitting = [unit for unit in erase_units if unit[1] * _SHARE <= timeout_ms]
    return tuple(fitting or erase_units[:1])


class Feeder:
    """Feeds at most every `interval_ms`: the flash asks at each poll, which may be far more often than a bus should bear."""

    def __init__(self, watchdog, clock):
        self._watchdog = watchdog
        self._clock = clock
        self._interval_ms = max(1, watchdog.timeout_ms // 64)
        self._fed_ms = clock.ms()
        watchdog.feed()

    def feed(self):
        """Feed if it is time."""
        if self._clock.since(self._fed_ms) >= self._interval_ms:
            self._fed_ms = self._clock.ms()
            self._watchdog.feed()
