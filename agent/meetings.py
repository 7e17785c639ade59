"""When a management session is held, with whom, and what the device says first: on notice, to report, or to ask.

A notification or a wish that comes at a bad time is remembered, the newest one only. A session that the link broke is
tried again with growing pauses: a few times for a notification, for ever for a result.
"""

from agent.backoff import Backoff
from agent.compat import const
from agent.errors import LinkError

_TRIES = const(3)  # sessions for one notification
_DATAGRAM = const(512)
_ASK_FIRST = const(3)
_CONFIRM = const(1101)


class Meetings:
    """At most one session at a time; `owner` is the Agent."""

    def __init__(self, owner):
        self._owner = owner
        self._notifications = self._kept = None
        self._datagrams = self._bind(owner.board.notify_port)
        self._data = memoryview(bytearray(_DATAGRAM if self._datagrams else 0))
        self._trigger = self._called = self._talk = self._question = None  # _called: whose wish the session fulfils
        self._failures = Backoff(owner.port.random, _TRIES)
        self._retry_ms = self._failed_at = self._asked = 0
        self._reports = False

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

    def call(self, name):
        """A session with that account is wanted as soon as it can be had."""
        from agent.notification import Trigger

        self._remember(Trigger(self._owner.management.accounts.account(name), 0, 0, False))

    def rest(self):
        """Give up what is only needed when a notification comes."""
        if self._notifications:
            self._kept, self._notifications = self._notifications.keep(), None

    def open(self):
        """Open the session."""
        owner, trigger = self._owner, self._called
        account = self._account(trigger)
        if not account:
            owner.log("there is no account for what is to be said: dropped")
            if owner.reports:
                owner.delivery.give_up()
            asked = owner.asks()
            if asked is not None:
                owner.requests.answered(asked, 0)
            return
        from agent.conversation import Conversation
        from agent.dm_session import Session

        alerts = self._opening(account)
        session_id, resync = 0, False
        if trigger and not self._failures.failures:
            session_id, resync = trigger.session_id, trigger.resync
        session = Session(owner.management.client(), account, alerts, account.secure, session_id, resync)
        self._talk = Conversation(session, owner.web)

    def step(self):
        """Do one thing of the open session; return the milliseconds until the next one is wanted."""
        wait_ms = self._talk.step()
        if self._talk.session.over:
            self._close()
        return wait_ms

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _remember(self, trigger):
        self._trigger, self._retry_ms = trigger, 0
        self._failures.reset()

    def _bind(self, port):
        """Return where notifications come in, None where they cannot: then the timer alone leads to sessions."""
        try:
            return self._owner.port.net.udp(port) if port >= 0 else None
        except LinkError as e:
            self._owner.log("no notification can come: %s", e)
            return None

    def _is_called(self):
        """Tell whether a server wants a session that can be held now."""
        trigger, wait_ms = self._trigger, self._retry_ms
        if not trigger or wait_ms and self._owner.port.clock.since(self._failed_at) < wait_ms:
            return False
        return trigger.ui_mode != _ASK_FIRST or self._may_begin()

    def _judge(self, data):
        if not self._notifications:
            from agent.notification import Notifications

            management = self._owner.management
            parts = management.accounts, management.nonces, self._owner.clock, self._owner.log
            self._notifications = Notifications(*parts, self._kept)
        return self._notifications.judge(data)

    def _account(self, trigger):
        accounts, owner = self._owner.management.accounts, self._owner
        if trigger:
            return trigger.account
        if owner.reports:
            return accounts.by_server(owner.record.job.server)
        return owner.management.first_account()

    def _opening(self, account):
        from agent.own_alert import OwnAlert

        owner = self._owner
        alerts = [OwnAlert("1200" if self._called and self._called.initiator else "1201")]
        result = owner.delivery.alert(account) if owner.record.outbox.code else None
        self._reports = result is not None
        if result:
            alerts.append(result)
        self._asked = owner.asks()
        if self._asked is not None:
            alerts.append(owner.requests.alert(self._asked, account, owner.board.root, self._on_status))
        return alerts

    def _on_status(self, code, authentic):
        if authentic:
            self._owner.requests.answered(self._asked, code)

    def _may_begin(self):
        """Ask the user where the server wants that; tell whether the session may begin."""
        if not self._question:
            from agent.ui import Question

            self._question = Question(_CONFIRM, {}, "A management server wants to begin a session. Allow it?", ())
        answer = self._owner.ui.answer(self._question)
        if answer is None:
            return False
        self._question = None
        if answer[0] == 200:
            self._trigger.ui_mode = 0
            return True
        self._trigger = None
        return False

    def _close(self):
        owner, session = self._owner, self._talk.session
        failure, secure, proven = session.failure, session.secure, session.guard.proven
        self._talk = session = None  # nothing may hold what is unloaded below
        if failure:
            owner.note_failure(failure)
            if getattr(failure, "dates", False):
                owner.set_clock()
        elif proven:
            owner.heard()
        if self._reports:
            owner.delivery.session_ended(secure)
        if self._asked is not None:
            owner.requests.answered(self._asked, 0)
        if self._called and self._called is self._trigger:  # else another one has come meanwhile
            self._end_trigger(failure)
        self._called = None
        owner.management.drop()

    def _end_trigger(self, failure):
        wait_ms = self._failures.fail() if isinstance(failure, LinkError) else -1
        if wait_ms < 0:
            self._trigger = None
            self._failures.reset()
        else:
            self._retry_ms, self._failed_at = wait_ms, self._owner.port.clock.ms()
