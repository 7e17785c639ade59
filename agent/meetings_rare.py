"""How a session is begun and ended, and what becomes of a notification. See meetings.py."""

from agent.backoff import pause_ms
from agent.compat import const
from agent.errors import LinkError
from agent.late import later
from agent.meetings import Meetings
from agent.phases import JUDGING, take_turns

_CONFIRM = const(1101)
_TRIES = const(3)  # sessions for one notification
_DATAGRAM = const(512)


class Rare(Meetings):
    """What a Meetings does only then."""

    def set_up(self, owner):
        """Begin: nothing is wanted."""
        self._owner = owner
        self._notifications = self._kept = None
        self._datagrams = self._bind(owner.board.notify_port)
        self._data = memoryview(bytearray(_DATAGRAM if self._datagrams else 0))
        self._trigger = self._called = self._talk = self._question = None  # _called: whose wish the session fulfils
        self._failures = self._retry_ms = self._failed_at = self._asked = 0
        self._reports = False

    def call(self, name):
        """A session with that account is wanted as soon as it can be had."""
        from agent.notification import make_trigger

        self._remember(make_trigger(self._owner.management.accounts.account(name), 0, 0, False))

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
        alerts = self._opening(account)
        session_id, resync = 0, False
        if trigger and not self._failures:
            session_id, resync = trigger.session_id, trigger.resync
        client = owner.management.client()
        if client.small:  # what made it goes first
            client.rest()
            take_turns(JUDGING)
        from agent.conversation import Conversation
        from agent.dm_session import Session

        session = Session(client, account, alerts, account.secure, session_id, resync)
        self._talk = Conversation(session, owner.web)

    def _remember(self, trigger):
        self._trigger = trigger
        self._failures = self._retry_ms = 0

    def _bind(self, port):
        """Return where notifications come in, None where they cannot: then the timer alone leads to sessions."""
        try:
            return self._owner.port.net.udp(port) if port >= 0 else None
        except LinkError as e:
            self._owner.log("no notification can come: %s", e)
            return None

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
        from agent.own_alert import own_alert

        owner = self._owner
        alerts = [own_alert("1200" if self._called and self._called.initiator else "1201")]
        result = owner.delivery.alert(account) if owner.record.outbox.code else None
        self._reports = result is not None
        if result:
            alerts.append(result)
        self._asked = owner.asks()
        if self._asked is not None:
            alerts.append(owner.requests.alert(self._asked, account, owner.board.root, later(self, "on_status")))
        return alerts

    def on_status(self, code, authentic):
        """Take the Status of the alert that asks."""
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
        self._failures += 1
        wait_ms = pause_ms(self._failures, _TRIES, self._owner.port.random) if isinstance(failure, LinkError) else -1
        if wait_ms < 0:
            self._trigger, self._failures = None, 0
        else:
            self._retry_ms, self._failed_at = wait_ms, self._owner.port.clock.ms()
