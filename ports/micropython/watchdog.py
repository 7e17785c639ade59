"""The Watchdog contract over machine.WDT. What a port does with a time-out that it cannot do is in watchdog_kinds.py.

Nobody tells what was set: `timeout_ms()` of mimxrt and samd sets another one. So the time-out is asked for such that what
the hardware makes of it is known, and `timeout_ms` is the shortest that it may be, drift of its oscillator included.
"""

import sys


class Watchdog:
    """Runs from the moment that this is made. `wdt` is the machine.WDT that the first stage has armed with the same wish."""

    def __init__(self, wanted_ms, wdt=None, timeout_ms=0, platform=sys.platform):
        from ports.micropython.watchdog_kinds import arm

        self.wdt, certain_ms = arm(wanted_ms, platform, wdt)
        self.timeout_ms = timeout_ms or certain_ms

    def feed(self):
        """Start the time-out again."""
        self.wdt.feed()
