"""Drives one management session over HTTP: a socket call, or one thing of the session, a step."""

from agent.compat import const
from agent.errors import LinkError, ProtocolError
from agent.late import later

_POLL_MS = const(20)
_BUSY_MS = const(2)
_AGAIN_MS = const(2000)  # before the same message goes out once more; longer each time
_REDIRECTS = const(5)
_BUFFER = const(512)
_ACT_MS = const(3600000)  # for what an answer orders: the user is asked, a package is proven
_ANSWER_MS = const(600000)  # for the body of an answer, 16 KiB at most: a server that only drips holds nobody


class Conversation:
    """`step` until `session.over`; `error` is what the link said last."""

    def __init__(self, session, web):
        self.session, self._web = session, web
        self.error = None
        self._buffer = memoryview(bytearray(_BUFFER))
        self._have = self._at = self._failures = self._redirects = self._since = 0
        self._exchange = self._request = None
        self._next = self._ask

    def step(self):
        """Do one thing; return the milliseconds until the next one is wanted."""
        if self.session.over:
            self.close()
            return 0
        try:
            return self._next()
        except LinkError as e:
            return self._fail(e)

    def close(self):
        """Let go of the link."""
        if self._exchange:
            self._exchange.close()
            self._exchange = None

    def _ask(self):
        request = self._request = self.session.request()
        if not request:
            return 0
        self._redirects = 0
        self._open(request.url)
        return 0

    def _open(self, url):
        request = self._request
        fields = (("Content-Type", request.content_type), ("Accept", request.content_type))
        if request.mac:
            fields += (("x-syncml-hmac", request.mac),)
        self._url, self._next = url, self._await
        body = later(self.session, "body")
        self._exchange = self._web.open("POST", url, fields, body, request.length)

    def _await(self):
        exchange = self._exchange
        if not exchange.poll():
            if exchange.sent:
                self.session.sent()
            return _POLL_MS
        status = exchange.status
        if status in (307, 308) and self._redirects < _REDIRECTS:
            return self._redirect(exchange.field("location") or "")
        if status // 100 != 2:
            raise LinkError("the management server answers with HTTP status %d" % status, 0, 0, 400 <= status < 408)
        self.session.begin_answer(exchange.field("x-syncml-hmac"))
        self._have = self._at = 0
        self._since = self._web.clock.ms()
        self._next = self._take
        return 0

    def _redirect(self, location):
        from agent.url import follow

        self._redirects += 1
        url = follow(self._url, location)
        if not url:
            raise LinkError("the management server redirects to where we do not go", 411, 954, True)
        self._exchange.close()
        self._open(url)
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
                raise LinkError("the management server sends next to nothing", 407)
            return _POLL_MS
        if not count:
            self._next = self._end
        self._have, self._at = count, 0
        return 0

    def _end(self):
        if not self.session.end_answer():
            return _BUSY_MS
        self.close()
        self._failures = 0
        self._next = self._act
        return 0

    def _act(self):
        wait_ms = self.session.step()
        if not wait_ms:
            self._next = self._ask
        elif self._web.clock.since(self._since) > _ACT_MS:
            self.session.give_up(ProtocolError("nobody answers the server's question", 408))
        return wait_ms

    def _fail(self, error):
        self.error = error
        if self._exchange:
            self._exchange.close()
            self._exchange = None
        self._web.close()
        if error.final:
            self.session.give_up(error)
            return 0
        self.session.no_answer()
        self._failures += 1
        self._since, self._next = self._web.clock.ms(), self._pause
        return 0

    def _pause(self):
        """Whoever calls may come too early: the next try waits."""
        left_ms = _AGAIN_MS * self._failures - self._web.clock.since(self._since)
        if left_ms > 0:
            return left_ms
        self._next = self._ask
        return 0
