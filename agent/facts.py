"""What the running agent knows of itself and its board, for whoever wants to show it. Plain: it outlives this code."""

from agent.fields import Fields
from agent.seconds import Seconds


def make_facts(agent_version, board, poll_interval_ms, cause, clock, journal, manifest):
    """Return them. `cause` is one of reset.py, `journal` the agent's; `manifest()` gives the running bank's or None.

    `uptime_s()` gives the seconds since the start; somebody has to ask at least once in six days.
    """
    self = Fields()
    self.agent_version, self.board, self.poll_interval_ms = agent_version, board, poll_interval_ms
    self.cause, self.clock, self.journal, self.manifest = cause, clock, journal, manifest
    self.last_link_error = None  # (FUMO result code, text, seconds since the start)
    self.told = None  # the text of it that is in the log already, until a session has worked
    self.uptime_s = Seconds(clock).now
    return self


def link_failed(facts, error):
    """Take note of a LinkError; return whether it is news for the log."""
    before, facts.told = facts.told, str(error)
    facts.last_link_error = error.code, facts.told, facts.uptime_s()
    return before != facts.told
