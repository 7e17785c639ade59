"""Drives one management session over HTTP: a socket call, or one thing of the session, a step."""

from agent.compat import const
from agent.errors import LinkError
from agent.late import late, later

_POLL_MS = const(20)
_BUSY_MS = const(2)
_BUFFER = const(512)
_ACT_MS = const(3600000)  # for what an answer orders: the user is asked, a package is proven
_ANSWER_MS = const(600000)  # for the body of an answer, 16 KiB at most: a server that only drips holds nobody


class Conversation:
    """`step` until `session.over`; `error` is what the link said last."""

    def __init__(self, session, web):
        self.session, self._web = session, web
        self.error = None
        self._buffer = None  # there while an answer is read
        self._have = self._at = self._failures = self._redirects = self._since = 0
        self._exchange = self._request = None
        self._next = self.ask

    def __getattr__(self, name):  # not_taken, waited, not_decided, failed
        from agent.conversation_faults import Faults

        return late(Faults, self, name)

    def step(self):
        """Do one thing; return the milliseconds until the next one is wanted."""
        if self.session.over:
            self.close()
            return 0
        try:
            return self._next()
        except LinkError as e:
            return self.failed(e)

    def close(self):
        """Let go of the link."""
        if self._exchange:
            self._exchange.close()
            self._exchange = None

    def ask(self):
        """Have our message made; it goes out in the next step, when what was only needed to make it is gone."""
        self._request = self.session.request()
        if self._request:
            self._url, self._redirects, self._next = self._request.url, 0, self.open
        return 0

    def open(self):
        """Begin to send it."""
        request = self._request
        fields = (("Content-Type", request.content_type), ("Accept", request.content_type))
        if request.mac:
            fields += (("x-syncml-hmac", request.mac),)
        body = later(self.session, "body")
        self._exchange = self._web.open("POST", self._url, fields, body, request.length)
        self._next = self._await
        return 0

    def _await(self):
        exchange = self._exchange
        if not exchange.poll():
            if exchange.sent:
                self.session.sent()
            return _POLL_MS
        if exchange.status // 100 != 2:
            return self.not_taken()
        self.session.sent()
        self._buffer = memoryview(bytearray(_BUFFER))
        self.session.begin_answer(exchange.field("x-syncml-hmac"))
        self._have = self._at = 0
        self._since = self._web.clock.ms()
        self._next = self._take
        return 0

    def _take(self):
        if self._at < self._have:
            count = self.session.receive(self._buffer[self._at : self._have])
            self._at += count
            if self.session.lost:
                self._next = self._end  # however much is still to come
            return 0 if count else _BUSY_MS
        count = self._exchange.read_into(self._buffer)
        if count is None:
            if self._web.clock.since(self._since) > _ANSWER_MS:
                self.waited()
            return _POLL_MS
        if not count:
            self._next = self._end
        self._have, self._at = count, 0
        return 0

    def _end(self):
        self.close()  # what judges the message needs the room
        self._buffer = None
        if not self.session.end_answer():
            return _BUSY_MS
        self._failures = 0
        self._next = self._act
        return 0

    def _act(self):
        wait_ms = self.session.step()
        if not wait_ms:
            self._next = self.ask
        elif self._web.clock.since(self._since) > _ACT_MS:
            self.not_decided()
        return wait_ms
