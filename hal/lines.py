"""What single lines are used for, on top of the Pin contract: a button that is held, a pulse on a reset line, an outer watchdog.

Nothing here waits but `pulse`; pins are 1 where they are active, whatever the level on the wire is.
"""

from agent.compat import const

_BOUNCE_MS = const(30)


class Button:
    """A button that counts once it has been held for `hold_ms` without a gap, and again only after it was let go."""

    def __init__(self, pin, clock, hold_ms=2000):
        self._pin = pin
        self._clock = clock
        self._hold_ms = hold_ms
        self._down = False
        self._done = bool(pin())  # held since before the start: that was meant for somebody else
        self._since = clock.ms()

    def step(self):
        """Look at it; tell, once, that it has been held for long enough."""
        down = bool(self._pin())
        if down != self._down:
            self._down = down
            self._since = self._clock.ms()
        gone_ms = self._clock.since(self._since)
        if not down:
            if gone_ms >= _BOUNCE_MS:
                self._done = False
            return False
        if self._done or gone_ms < self._hold_ms:
            return False
        self._done = True
        return True


def pulse(pin, clock, duration_ms):
    """Make the line active for so long, and leave it inactive: a reset of a co-processor."""
    pin(1)
    clock.sleep_ms(duration_ms)
    pin(0)


class KickedWatchdog:
    """The Watchdog contract over a chip that wants an edge on a line; its time-out is in its data sheet only."""

    def __init__(self, pin, timeout_ms):
        self._pin = pin
        self._level = 0
        self.timeout_ms = timeout_ms
        self.feed()

    def feed(self):
        """Give the line another level."""
        self._level ^= 1
        self._pin(self._level)


class Watchdogs:
    """Several watchdogs as one: the first to bite sets the time-out."""

    def __init__(self, *watchdogs):
        self._watchdogs = watchdogs
        self.timeout_ms = min([each.timeout_ms for each in watchdogs])

    def feed(self):
        """Feed all."""
        for each in self._watchdogs:
            each.feed()
