"""Can the new firmware reach a management server and know it for what it is? Asked once in a trial, where the board wants it.

Over TLS an answer from the verified host is enough. Without, a session is begun, and left once the server has proven itself:
no command is carried out, nothing is reported.
"""

from agent.compat import const
from agent.errors import LinkError

_POLL_MS = const(20)


class Probe:
    """`step` until `over`; `reached` then tells how it ended."""

    def __init__(self, owner, account):
        self._web, self._owner, self._account = owner.web, owner, account
        self.over = self.reached = False
        self._exchange = self._talk = None

    def step(self):
        """Do one thing; return the milliseconds until the next one is wanted."""
        try:
            return self._ask() if self._account.secure else self._prove()
        except LinkError as e:
            self._owner.log("the server cannot be reached: %s", e)
            if e.dates:
                self._owner.set_clock()
            self._end(False)
        return 0

    def _ask(self):
        self._exchange = self._exchange or self._web.open("GET", self._account.url)
        if not self._exchange.poll():
            return _POLL_MS
        self._end(True)
        return 0

    def _prove(self):
        if not self._talk:
            from agent.conversation import Conversation
            from agent.dm_session import Session
            from agent.own_alert import OwnAlert

            session = Session(self._owner.management.client(), self._account, (OwnAlert("1201"),))
            self._talk = Conversation(session, self._web)
        session = self._talk.session
        wait_ms = self._talk.step()
        if session.guard.proven or session.over:
            self._end(session.guard.proven)
        return wait_ms

    def _end(self, reached):
        if self._exchange:
            self._exchange.close()
        if self._talk:
            self._talk.session.finish()
            self._talk.close()
            self._owner.management.drop()
        self._web.close()
        self.over, self.reached = True, reached
