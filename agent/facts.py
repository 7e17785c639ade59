"""What the running agent knows of itself and its board, for whoever wants to show it. Holds, and decides nothing."""

from agent.seconds import Seconds


class Facts:
    """`cause` is one of reset.py, `journal` the agent's; `manifest()` gives the running bank's, None where it has none."""

    def __init__(self, agent_version, board, poll_interval_ms, cause, clock, journal, manifest):
        self.agent_version, self.board, self.poll_interval_ms = agent_version, board, poll_interval_ms
        self.cause, self.clock, self.journal, self.manifest = cause, clock, journal, manifest
        self.last_link_error = None  # (FUMO result code, text, seconds since the start)
        self._seconds = Seconds(clock)

    def uptime_s(self):
        """Return the seconds since the start; ask at least once in six days."""
        return self._seconds.now()

    def link_failed(self, error):
        """Take note of a LinkError."""
        self.last_link_error = error.code, str(error), self.uptime_s()
