"""One HTTP request and its answer: name, connection, request, answer, each with its time. Made by `Web.open`."""

from agent.compat import const
from agent.errors import LinkError

_AT_ONCE = const(8)  # pieces that one poll sends, and reads of one poll


class Exchange:
    """One request and its answer; `sent` tells whether the request is out.

    Once `poll` has said True: `status`, and `length`, the size of the body, -1 where it is not known before its end.
    """

    def __init__(self, web, origin, method, head, pieces, length):
        self.web, self._origin, self._method, self._head = web, origin, method, head
        self._pieces, self._length = pieces, length
        self.stream = self._resolver = self._address = None
        self.over = self._closed = False
        self._begin(web.take(origin))

    def _begin(self, stream):
        """Begin to send from the first byte; `stream` is a kept connection or None."""
        web = self.web
        web.window.open()
        self._answer = None  # until something of it comes
        self._reused = stream is not None
        self.stream, self._stands, self._since = stream, self._reused, web.clock.ms()
        pieces = self._pieces
        self._source = iter((pieces() if callable(pieces) else pieces) or ())
        self._piece, self._rest = memoryview(self._head), self._length
        self.sent = self._heard = False
        self._broken = None

    def field(self, name):
        """Return a field of the answer by its name in lower case (one of those that http.py keeps), else None."""
        return self._answer.field(name)

    def poll(self):
        """Go on; tell whether the head of the answer is here. False: call again later."""
        try:
            return self._answer is not None and self._answer.head() or self._go_on()
        except LinkError as e:
            if not self._may_repeat(e):
                self._fail(e)
        except Exception:  # of whoever makes the body
            self._let_go()
            raise
        self.web.log("the kept connection to %s was dead", self._origin[1])
        self.stream.close()
        self._begin(None)
        return False

    def read_into(self, into):
        """Return the number of bytes read from the body, 0 when it is complete, None when nothing is there yet."""
        try:
            if self.over or not len(into):
                return 0 if self.over else None
            if self._closed:
                raise LinkError("the exchange is closed", 503, 903)
            return self._answer.read(self, into)
        except LinkError as e:
            self._fail(e)

    def close(self):
        """End the exchange; the connection stays open if the body was read whole and the server keeps it."""
        answer, window = self._answer, self.web.window
        if self.over and answer.keep and self.sent and window.start == window.end and not self._closed:
            self.web.keep(self._origin, self.stream, self._since)
            self.stream = None
        self._let_go()

    def _may_repeat(self, error):
        """Tell whether only the kept connection was dead, and the body can be had again."""
        if self._closed or self._heard or not self._reused or error.code != 503:
            return False
        return not self._pieces or callable(self._pieces)

    def _let_go(self):
        self._closed = True
        for part in (self.stream, self._resolver):
            if part:
                part.close()
        self.stream = self._resolver = None
        self._pieces = self._source = self._piece = None  # who makes the body may be large
        if self.web.exchange is self:
            self.web.exchange = None

    def _fail(self, error):
        self._let_go()
        raise error

    # -- the request --------------------------------------------------------------------------------------------------

    def _go_on(self):
        if self._closed:
            raise LinkError("the exchange is closed", 503, 903)
        if not self.stream:
            if not self._find():
                return False
            tls, _, host, port = self._origin
            self.stream = self.web.net.connect(host, self._address, port, tls)  # not one call deeper: it imports
            self._since = self.web.clock.ms()
        if not self.sent:
            self._send()
        return self._stands and self._hear()

    def _find(self):
        """Find the address; tell whether it is known."""
        web, host = self.web, self._origin[2]
        address = self._address or web.net.known(host)
        if not address:
            if not self._resolver:
                from agent.dns import Resolver

                self._resolver = Resolver(web.net, web.clock, web.random, host, web.name_ms)
            address = self._resolver.poll()
            if not address:
                return False
            self._resolver.close()
            self._resolver = None
        self._address = address
        return True

    def _send(self):
        for _ in range(_AT_ONCE):
            if not len(self._piece) and not self._next_piece():
                self.sent, self._source = True, None
                self._since = self.web.clock.ms()
                return
            try:
                count = self.stream.write(self._piece)
            except LinkError as e:
                if not self._stands:
                    raise
                self._broken = e  # an answer may be there all the same
                return
            if not count:
                return self._wait_to_send()
            if not self._stands:
                self._stands, self._since = True, self.web.clock.ms()
            self._piece = self._piece[count:]

    def _wait_to_send(self):
        if self._stands:
            self.waited(self.web.send_ms)
        elif self.web.clock.since(self._since) > self.web.connect_ms:
            raise LinkError("no connection to %s: the server, or its TLS, does not answer" % self._origin[1], 412, 954)

    def _next_piece(self):
        """Go to the next piece of the body; tell whether there is one."""
        for piece in self._source:
            if len(piece):
                self._piece = memoryview(piece)
                self._rest -= len(piece)
                break
        else:
            if self._rest:
                raise LinkError("the body is not as long as announced", 503, 903)
            return False
        if self._rest < 0:
            raise LinkError("the body is longer than announced", 503, 903)
        return True

    def waited(self, most_ms):
        """Give up where the server has been silent for so long."""
        if self.web.clock.since(self._since) > most_ms:
            raise LinkError("the server is silent", 407, 903)

    # -- the answer ---------------------------------------------------------------------------------------------------

    def _hear(self):
        """Read the head; tell whether it is complete."""
        for _ in range(_AT_ONCE):
            count = self.fill()
            if not count:
                break
            self._heard = True
            if self._answer.head():
                self.wait_anew()
                self.status, self.length = self._answer.status, self._answer.length
                self.over = not self._answer.room()
                return True
        if self._broken:
            raise self._broken
        if self.sent:
            self.waited(self.web.head_ms)
        return False

    def wait_anew(self):
        """Something came: the time for what comes next begins."""
        self._since = self.web.clock.ms()

    def fill(self):
        """Read into the window; return what `read_into` of the stream does, but an end is an error."""
        window = self.web.window
        count = self.stream.read_into(window.space())
        if count is not None and not self._answer:
            from agent.http import Answer

            self._answer = Answer(window, self._method)
        if count:
            window.filled(count)
        elif count == 0:
            self._answer.closed()
        return count
