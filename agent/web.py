"""HTTP requests over one connection at a time, never blocking: name, connection, request, answer, each with its time.

`Web.open` gives an `Exchange`; `poll` it until the head of the answer is here, `read_into` until the body is complete, then
`close` it. The connection is kept for the next request to the same origin. Where a kept one turns out to be dead before
anything was answered, the request goes out once more, provided that its body can be had again.
"""

from agent.compat import const
from agent.errors import LinkError
from agent.http import WINDOW, Answer, origin_and_path, request_head
from agent.window import Window

_AT_ONCE = const(8)  # pieces that one poll sends, and reads of one poll


class Web:
    """`net`: a Network, `random(below)` gives a number. The times are attributes so that a board can have others."""

    name_ms = 3000  # that one name server gets
    connect_ms = 30000  # for TCP and TLS
    send_ms = 60000  # for a whole request
    head_ms = 60000  # from then to the end of the answer's head
    silence_ms = 60000  # in the body
    idle_ms = 30000  # a kept connection that is older is not trusted

    def __init__(self, net, clock, random, log=None):
        self.net, self.clock, self.random, self._log = net, clock, random, log
        self.window = Window(WINDOW)
        self._exchange = self._idle = self._origin = None
        self._since = 0

    def open(self, method, url, fields=(), pieces=None, length=0):
        """Begin a request and return its Exchange; the one before is over then.

        `fields`: ((name, text), ...). `pieces`: buffers for the body, `length` bytes together, each valid until the next is
        asked for; or a function that returns them, each time anew. LinkError for a URL that cannot be.
        """
        if self._exchange:
            self._exchange.close()
        origin, path = origin_and_path(url)
        body_length = length if pieces or method == "POST" else -1
        head = request_head(method, origin[1], path, fields, body_length)
        self._exchange = Exchange(self, origin, method, head, pieces, length)
        return self._exchange

    def close(self):
        """Let go of everything."""
        if self._exchange:
            self._exchange.close()
        self._drop()

    def keep(self, origin, stream, since):
        """Take back a connection that can be used again and has been silent since then."""
        self._idle, self._origin, self._since = stream, origin, since

    def take(self, origin):
        """Return the kept connection if it goes to `origin` and seems to live, else None; it is not kept any more."""
        stream = self._idle
        if not stream:
            return None
        if origin == self._origin and self.clock.since(self._since) <= self.idle_ms:
            try:
                if stream.read_into(self.window.view) is None:  # neither closed nor saying what nobody asked for
                    self._idle = None
                    return stream
            except LinkError:
                pass
        self._drop()
        return None

    def log(self, text, *arguments):
        """Say something to whoever listens."""
        if self._log:
            self._log(text, *arguments)

    def _drop(self):
        if self._idle:
            self._idle.close()
            self._idle = None


class Exchange:
    """One request and its answer."""

    def __init__(self, web, origin, method, head, pieces, length):
        self._web, self._origin, self._method, self._head = web, origin, method, head
        self._pieces, self._length = pieces, length
        self._stream = self._resolver = self._address = None
        self._over = self._closed = False
        self._begin(web.take(origin))

    def _begin(self, stream):
        """Begin to send from the first byte; `stream` is a kept connection or None."""
        web = self._web
        self._answer = Answer(web.window, self._method)
        self._reused = stream is not None
        self._stream, self._stands, self._since = stream, self._reused, web.clock.ms()
        pieces = self._pieces
        self._source = iter((pieces() if callable(pieces) else pieces) or ())
        self._piece, self._rest = memoryview(self._head), self._length
        self._sent = self._heard = False
        self._broken = None

    @property
    def status(self):
        """Return the status of the answer, once `poll` has said True."""
        return self._answer.status

    @property
    def length(self):
        """Return the size of the body, -1 where it is not known before its end."""
        return self._answer.length

    def field(self, name):
        """Return a field of the answer by its name in lower case (one of those that http.py keeps), else None."""
        return self._answer.field(name)

    def poll(self):
        """Go on; tell whether the head of the answer is here. False: call again later."""
        try:
            return self._answer.head() or self._go_on()
        except LinkError as e:
            if not self._may_repeat(e):
                self._fail(e)
        except Exception:  # of whoever makes the body
            self._let_go()
            raise
        self._web.log("the kept connection to %s was dead", self._origin[1])
        self._stream.close()
        self._begin(None)
        return False

    def read_into(self, into):
        """Return the number of bytes read from the body, 0 when it is complete, None when nothing is there yet."""
        try:
            return self._read(into)
        except LinkError as e:
            self._fail(e)

    def close(self):
        """End the exchange; the connection stays open if the body was read whole and the server keeps it."""
        answer, window = self._answer, self._web.window
        if self._over and answer.keep and self._sent and window.start == window.end and not self._closed:
            self._web.keep(self._origin, self._stream, self._since)
            self._stream = None
        self._let_go()

    def _may_repeat(self, error):
        """Tell whether only the kept connection was dead, and the body can be had again."""
        if self._closed or self._heard or not self._reused or error.code != 503:
            return False
        return not self._pieces or callable(self._pieces)

    def _let_go(self):
        self._closed = True
        for part in (self._stream, self._resolver):
            if part:
                part.close()
        self._stream = self._resolver = None
        self._pieces = self._source = self._piece = None  # who makes the body may be large

    def _fail(self, error):
        self._let_go()
        raise error

    # -- the request --------------------------------------------------------------------------------------------------

    def _go_on(self):
        if self._closed:
            raise LinkError("the exchange is closed", 503, 903)
        if not self._stream and not self._connect():
            return False
        if not self._sent:
            self._send()
        return self._stands and self._hear()

    def _connect(self):
        """Find the address, begin the connection; tell whether it is begun."""
        web = self._web
        _, _, host, port = self._origin
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
        self._stream = web.net.connect(host, address, port, self._origin[0])
        self._since = web.clock.ms()
        return True

    def _send(self):
        for _ in range(_AT_ONCE):
            if not len(self._piece) and not self._next_piece():
                self._sent = True
                self._since = self._web.clock.ms()
                return
            try:
                count = self._stream.write(self._piece)
            except LinkError as e:
                if not self._stands:
                    raise
                self._broken = e  # an answer may be there all the same
                return
            if not count:
                return self._wait_to_send()
            if not self._stands:
                self._stands, self._since = True, self._web.clock.ms()
            self._piece = self._piece[count:]

    def _wait_to_send(self):
        if self._stands:
            self._waited(self._web.send_ms)
        elif self._web.clock.since(self._since) > self._web.connect_ms:
            raise LinkError("no connection to %s" % self._origin[1], 412, 954)

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

    def _waited(self, most_ms):
        if self._web.clock.since(self._since) > most_ms:
            raise LinkError("the server is silent", 407, 903)

    # -- the answer ---------------------------------------------------------------------------------------------------

    def _hear(self):
        """Read the head; tell whether it is complete."""
        for _ in range(_AT_ONCE):
            count = self._fill()
            if not count:
                break
            self._heard = True
            if self._answer.head():
                self._since = self._web.clock.ms()
                self._over = not self._answer.room()
                return True
        if self._broken:
            raise self._broken
        if self._sent:
            self._waited(self._web.head_ms)
        return False

    def _fill(self):
        """Read into the window; return what `read_into` of the stream does, but an end is an error."""
        window = self._web.window
        count = self._stream.read_into(window.space())
        if count:
            window.filled(count)
        elif count == 0:
            self._answer.closed()
        return count

    def _read(self, into):
        if self._over or not len(into):
            return 0 if self._over else None
        if self._closed:
            raise LinkError("the exchange is closed", 503, 903)
        answer, window = self._answer, self._web.window
        while True:
            room = answer.room()
            if not room:
                self._over = True
                return 0
            if room > 0 and window.start < window.end:
                count = min(room, len(into), window.end - window.start)
                into[:count] = window.view[window.start : window.start + count]
                window.start += count
            elif room > 0:
                count = self._stream.read_into(into if len(into) <= room else memoryview(into)[:room])
            else:
                count = self._fill()
            if count is None:
                return self._waited(self._web.silence_ms)
            self._since = self._web.clock.ms()
            if not count:
                answer.closed()
            elif room > 0:
                answer.took(count)
                return count
