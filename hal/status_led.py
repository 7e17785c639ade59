"""One LED that says how a board is: a pattern for each state, recognised without a watch."""

from agent.job import IDLE, REPORT, TRIAL

_PATTERNS = {  # milliseconds on, off, on, off ... and again from the beginning
    "idle": (60, 2940),  # a heartbeat
    "working": (500, 500),
    "trial": (100, 100, 100, 700),
    "fallback": (100, 200, 100, 200, 100, 1300),
    "recovery": (100, 100),
    "fault": (1500, 500),
}


def state_of(phase, fell_back):
    """Return the state to show for a job's phase; `fell_back` is what the boot control says."""
    if phase == TRIAL:
        return "trial"
    if phase not in (IDLE, REPORT):
        return "working"
    return "fallback" if fell_back else "idle"


class StatusLed:
    """`pin(1)` lights it. Whoever has a loop calls `step` in it; nothing here waits, a step that comes late shifts the rest."""

    def __init__(self, pin, clock):
        self._pin, self._clock = pin, clock
        self.state = ""
        self.show("idle")

    def show(self, state):
        """Show a state from the beginning of its pattern; one that is shown already goes on."""
        if state != self.state:
            self.state, self._pattern = state, _PATTERNS[state]
            self._turn_to(0)

    def step(self):
        """Switch the LED if it is time; return the milliseconds until it wants to be called again."""
        gone_ms = self._clock.since(self._since)
        if gone_ms < self._pattern[self._at]:
            return self._pattern[self._at] - gone_ms
        self._turn_to((self._at + 1) % len(self._pattern))
        return self._pattern[self._at]

    def _turn_to(self, at):
        self._at, self._since = at, self._clock.ms()
        self._pin(1 - at % 2)
