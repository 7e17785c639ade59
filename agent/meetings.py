"""When a management session is held, with whom, and what the device says first: on notice, to report, or to ask.

A notification or a wish that comes at a bad time is remembered, the newest one only. A session that the link broke is
tried again with growing pauses: a few times for a notification, for ever for a result.
"""

from agent.compat import const
from agent.errors import LinkError
from agent.late import late

_ASK_FIRST = const(3)


class Meetings:
    """At most one session at a time; `owner` is the Agent."""

    def __init__(self, owner):
        self.set_up(owner)

    def __getattr__(self, name):  # set_up, call, open
        from agent.meetings_rare import Rare

        return late(Rare, self, name)

    @property
    def active(self):
        """Tell whether a session is open."""
        return self._talk is not None

    @property
    def quiet(self):
        """Tell whether no session is open, wanted, or to be tried again."""
        owner = self._owner
        wanted = self._talk or self._trigger or owner.reports
        return not (wanted or owner.requests.wished or owner.asks() is not None)

    def listen(self):
        """Take a datagram, if one is there."""
        try:
            came = self._datagrams.receive(self._data) if self._datagrams else None
        except LinkError:
            return
        if came:
            trigger = self._judge(self._data[: came[0]])
            if trigger:
                self._owner.log("a server asks for a session")
                self._remember(trigger)

    def wanted(self):
        """Tell whether a session should be opened as soon as the link is free."""
        self._called = self._trigger if self._is_called() else None
        return self._called is not None or self._owner.reports or self._owner.asks() is not None

    def rest(self):
        """Give up what is only needed when a notification comes."""
        if self._notifications:
            self._kept, self._notifications = self._notifications.keep(), None

    def step(self):
        """Do one thing of the open session; return the milliseconds until the next one is wanted."""
        wait_ms = self._talk.step()
        if self._talk.session.over:
            self._close()
        return wait_ms

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _is_called(self):
        """Tell whether a server wants a session that can be held now."""
        trigger, wait_ms = self._trigger, self._retry_ms
        if not trigger or wait_ms and self._owner.port.clock.since(self._failed_at) < wait_ms:
            return False
        return trigger.ui_mode != _ASK_FIRST or self._may_begin()
