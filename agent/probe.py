"""Can the new firmware reach a management server and know it for what it is? Asked once in a trial, where the board wants it.

Over TLS an answer from the verified host is enough. Without, a session is begun, and left once the server has proven itself:
no command is carried out, nothing is reported.
"""

from agent.compat import const
from agent.errors import LinkError

_POLL_MS = const(20)
_PAUSE_MS = const(30000)  # between two tries


class Probe:
    """`step` until `reached`; `owner` is the Agent."""

    def __init__(self, owner):
        self._web, self._owner = owner.web, owner
        self.reached = False
        self._account = self._exchange = self._talk = None
        self._failed_at = -1

    def step(self):
        """Do one thing; return the milliseconds until the next one is wanted."""
        if not self._account and not self._begin():
            return _PAUSE_MS
        try:
            return self._ask() if self._account.secure else self._prove()
        except LinkError as e:
            self._owner.log("the server cannot be reached: %s", e)
            if e.dates:
                self._owner.set_clock()
            self._end(False)
        return 0

    def _begin(self):
        """Tell whether a try is begun."""
        clock = self._owner.clock
        if self._failed_at < 0 or clock.since(self._failed_at) > _PAUSE_MS:
            self._account = self._owner.management.first_account()
            self._failed_at = clock.ms()
        return self._account is not None

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
            from agent.own_alert import own_alert

            session = Session(self._owner.management.client(), self._account, (own_alert("1201"),))
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
        self._account = self._exchange = self._talk = None
        self.reached, self._failed_at = reached, self._owner.clock.ms()
