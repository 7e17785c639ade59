"""Says what happens on a board, a line an event, for whoever watches its console; docs/simulator.md describes the lines.

`say(word, ...)` prints one. Made once the journal has been read and before the agent's first step; `look` between two steps.
"""

from agent.compat import const

_PROGRESS = const(16384)


class Narrator:
    """What was said last, and what has changed since."""

    def __init__(self, agent, say):
        self._agent, self._say = agent, say
        self._code = agent.record.outbox.code
        self._state, self._session, self._progress = -1, "closed", 0

    def begin(self):
        """The agent listens."""
        self._say("listening", self._agent.board.notify_port)

    def look(self):
        """Say what has changed since the last time."""
        agent, record = self._agent, self._agent.record
        if agent.update.state != self._state:
            self._state = agent.update.state
            self._say("state", self._state)
        session = "open" if agent.in_session else "closed"
        if session != self._session:
            self._session = session
            self._say("session", session)
        self._look_at_progress(record.progress.package_at)
        if record.outbox.code != self._code:
            self._tell_result(record.outbox.code)

    def _look_at_progress(self, progress):
        if progress // _PROGRESS != self._progress // _PROGRESS:
            self._progress = progress
            if progress:
                self._say("progress", progress)

    def _tell_result(self, code):
        if self._code:
            self._say("reported" if 200 <= self._agent.delivery.code < 300 else "dropped", self._code)
        if code:
            self._say("result", code)
        self._code = code
