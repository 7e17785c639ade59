"""The trial of new firmware: long enough to show a crash, short enough to end, confirmed only by what it shows itself to do.

Pure: time and facts are handed in. Delivering the report is never part of it.
"""

from agent.compat import const

TRIAL_MIN_MS = const(60000)
TRIAL_MAX_MS = const(600000)

GOING_ON = const(0)
PASSED = const(1)
FAILED = const(2)


class Trial:
    """Self-tests are functions that return True when their part works; each must have done so once."""

    def __init__(self, clock, self_tests, server_reached, min_ms=TRIAL_MIN_MS, max_ms=TRIAL_MAX_MS):
        self._clock = clock
        self._waiting = list(self_tests)
        self._server_reached = server_reached  # None where the policy does not ask for a server
        self._min_ms = min_ms
        self._max_ms = max_ms
        self._started_ms = clock.ms()

    def step(self):
        """Run the next self-test; return one of the constants above."""
        gone_ms = self._clock.since(self._started_ms)
        if gone_ms > self._max_ms:
            return FAILED
        if self._waiting:
            if self._waiting[0]():
                self._waiting.pop(0)
            return GOING_ON
        if gone_ms < self._min_ms or (self._server_reached and not self._server_reached()):
            return GOING_ON
        return PASSED

    def pass_tests(self):
        """Run the self-tests that are left, once each; tell whether all have passed."""
        while self._waiting and self._waiting[0]():
            self._waiting.pop(0)
        return not self._waiting


def version_test(running_version, manifest):
    """Return the first self-test: the modules that run are those of the bank that was booted, not an older copy of them."""

    def test():
        return manifest is not None and running_version == manifest.version

    return test
