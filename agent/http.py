"""HTTP/1.1 without any I/O: an answer, read through a Window of bounded size. What is asked stands in http_request.py.

The reader is told what came by way of the window (`space`, `filled`); it consumes the head and what frames the body, and
says how many bytes of the body come next. It copies no body and never asks for more room than the window has. Whatever
breaks the rules is a LinkError, and the connection is then of no more use.
"""

from agent.compat import const
from agent.errors import LinkError
from agent.late import late

_HEAD = const(8192)  # bytes of status lines and fields, those of interim answers included
_CHUNK_LINE = const(256)
_TRAILERS = const(2048)
_STATUS = const(0)  # what comes next
_FIELDS = const(1)
_DATA = const(2)  # `_left` bytes of the body, or of a chunk
_REST = const(3)  # body until the peer closes
_CHUNK = const(4)  # the line that begins a chunk
_CHUNK_END = const(5)
_TRAILER = const(6)
_OVER = const(7)
_MOST = const(1 << 29)


def bad(text):
    """Return the error for an answer that is not HTTP as we know it."""
    return LinkError("HTTP: " + text, 503, 903)


class Answer:
    """One answer, from its status line to the end of its body."""

    def __init__(self, window, method):
        window.open()
        self._window = window
        self._bodiless = method == "HEAD"
        self._stage = _STATUS
        self._budget = _HEAD
        self._skip = self._chunked = False  # skip: the rest of a line of which the beginning was dropped
        self._left = self._from = self._to = 0
        self._fields = []
        self.status = 0
        self.length = -1  # of the body, where it is known
        self.keep = False  # the connection can be used again after the body

    def __getattr__(self, name):  # what its lines mean
        from agent.http_head import Head

        return late(Head, self, name)

    def field(self, name):
        """Return the value of a field that is kept, by its name in lower case, else None."""
        for other, value in self._fields:
            if other == name:
                return value
        return None

    def head(self):
        """Go on reading the head; tell whether it is complete."""
        while self._stage <= _FIELDS:
            if not self._line():
                return False
            if self._stage == _STATUS:
                self._status_line()
            elif self._from == self._to:
                self._end_of_head()
            else:
                self._one_field()
        return True

    def room(self):
        """Return how many bytes of the body come next, 0 when it is complete, -1 when the window must get more first."""
        while self._stage != _REST:
            if self._stage == _DATA and self._left:
                return self._left
            if self._stage == _OVER or self._stage == _DATA and not self._chunked:
                self._stage = _OVER
                return 0
            if self._stage == _DATA:
                self._expect(_CHUNK_END, 2)
            if not self._line():
                return -1
            self._framing_line()
        return _MOST

    def took(self, count):
        """Say that this many bytes of the body were taken."""
        if self._stage == _DATA:
            self._left -= count

    def closed(self):
        """Say that the peer has closed the connection: the end of a body that has no other, else too early."""
        if self._stage != _REST:
            raise bad("the connection was closed too early")
        self._stage = _OVER

    def read(self, exchange, into):
        """Read from the body; return what Exchange.read_into does."""
        window = self._window
        while True:
            room = self.room()
            if not room:
                exchange.over = True
                return 0
            if room > 0 and window.start < window.end:
                count = min(room, len(into), window.end - window.start)
                into[:count] = window.view[window.start : window.start + count]
                window.start += count
            elif room > 0:
                count = exchange.stream.read_into(into if len(into) <= room else memoryview(into)[:room])
            else:
                count = exchange.fill()
            if count is None:
                return exchange.waited(exchange.web.silence_ms)
            exchange.wait_anew()
            if not count:
                self.closed()
            elif room > 0:
                self.took(count)
                return count

    # -- lines --------------------------------------------------------------------------------------------------------

    def _expect(self, stage, budget):
        self._stage, self._budget = stage, budget

    def _line(self):
        """Take the next line out of the window, tell whether there is one; it is `buf[_from:_to]` until the window is filled."""
        window = self._window
        buf = window.buf
        while True:
            start, end = window.start, window.end
            at = buf.find(b"\n", start, end)
            size = (at + 1 if at >= 0 else end) - start
            if size > self._budget:
                raise bad("the head is too long" if self._stage <= _FIELDS else "a chunk's frame is too long")
            if at < 0:
                if size == len(buf):
                    self._drop_line(start, end)
                return False
            self._budget -= size
            window.start = at + 1
            if not self._skip:
                self._from, self._to = start, at - (at > start and buf[at - 1] == 13)
                return True
            self._skip = False

    def _number(self, start, end, base):
        """Return the number that stands there, in at most ten digits."""
        value = 0
        if not start < end <= min(self._to, start + 10):
            raise bad("no number")
        for i in range(start, end):
            digit = b"0123456789abcdef".find(bytes((self._window.buf[i] | 32,)))
            if not 0 <= digit < base or self._window.buf[i] < 48:
                raise bad("no number")
            value = value * base + digit
        return value

    # -- the body -----------------------------------------------------------------------------------------------------

    def _framing_line(self):
        """A line came that begins or ends a chunk, or stands behind the last one."""
        if self._stage == _CHUNK:
            self._chunk_line()
        elif self._stage == _TRAILER:
            if self._from == self._to:
                self._stage = _OVER
        elif self._from != self._to:
            raise bad("a chunk is longer than it says")
        else:
            self._expect(_CHUNK, _CHUNK_LINE)

    def _chunk_line(self):
        end, buf = self._from, self._window.buf
        while end < self._to and buf[end] not in b"; \t":
            end += 1
        self._left = self._number(self._from, end, 16)
        if self._left >= _MOST:
            raise bad("a chunk is too large")
        if self._left:
            self._stage = _DATA
        else:
            self._expect(_TRAILER, _TRAILERS)
