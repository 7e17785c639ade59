"""HTTP/1.1 without any I/O: an answer, read through a Window of bounded size. What is asked stands in http_request.py.

The reader is told what came by way of the window (`space`, `filled`); it consumes the head and what frames the body, and
says how many bytes of the body come next. It copies no body and never asks for more room than the window has. Whatever
breaks the rules is a LinkError, and the connection is then of no more use.
"""

from agent.compat import const
from agent.errors import LinkError

_HEAD = const(8192)  # bytes of status lines and fields, those of interim answers included
_FIELD = const(1024)  # of the value of one that is kept
_CHUNK_LINE = const(256)
_TRAILERS = const(2048)
_KEPT = const(
    " content-type content-length content-range etag last-modified location retry-after x-syncml-hmac date"
    " connection transfer-encoding content-encoding "
)
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

    def _drop_line(self, start, end):
        """The window is full of one line: let go of what is there if nobody wants it."""
        if self._stage == _FIELDS and not self._skip:
            self._from, self._to = start, end
            if self._name()[0]:
                raise bad("a field is too long")
        elif self._stage == _STATUS:
            raise bad("no status line")
        self._budget -= end - start
        self._window.start = end
        self._skip = True

    def _status_line(self):
        buf, at = self._window.buf, self._from
        status = self._number(at + 9, at + 12, 10)
        if buf[at : at + 7] != b"HTTP/1." or buf[at + 8] != 32 or self._to > at + 12 and buf[at + 12] != 32:
            raise bad("no status line")
        self.keep = buf[at + 7] > 48  # not 1.0
        if not 100 <= status < 600 or status == 101:
            raise bad("status %d" % status)
        self.status = status
        self._stage = _FIELDS

    def _name(self):
        """Return the name of the field in lower case if it is one to keep, else "", and where its value begins."""
        buf = self._window.buf
        for i in range(self._from, self._to):
            if buf[i] == 58 and i > self._from:
                if i - self._from > 20:
                    return "", i + 1
                name = str(self._window.view[self._from : i], "utf-8").lower()
                return name if " " + name + " " in _KEPT else "", i + 1
            if not 32 < buf[i] < 127 or buf[i] == 58:
                break
        raise bad("no field")

    def _one_field(self):
        name, start = self._name()
        if not name:
            return
        buf, end = self._window.buf, self._to
        while start < end and buf[start] in b" \t":
            start += 1
        while start < end and buf[end - 1] in b" \t":
            end -= 1
        if end - start > _FIELD:
            raise bad("a field is too long")
        for i in range(start, end):
            if not 32 <= buf[i] < 127 and buf[i] != 9:
                raise bad("a character in " + name)
        value = str(self._window.view[start:end], "utf-8")
        if name[:4] in ("cont", "tran") and self.field(name) not in (None, value):
            raise bad(name + " twice")
        if name == "content-length":
            self.length = self._number(start, end, 10)
        self._fields.append((name, value))

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

    def _end_of_head(self):
        if self.status < 200:
            self._stage, self._fields, self.length = _STATUS, [], -1
            return
        coding = self.field("transfer-encoding")
        if (self.field("content-encoding") or "identity").lower() != "identity":
            raise bad("the body is packed")
        if (self.field("connection") or "").lower() not in ("", "keep-alive"):
            self.keep = False
        if self._bodiless or self.status in (204, 304):
            self.length = 0
        elif coding is not None:
            if coding.lower() != "chunked" or self.length >= 0:
                raise bad("what the length is cannot be told")
            self._chunked = True
            return self._expect(_CHUNK, _CHUNK_LINE)
        elif self.length < 0:
            self._stage, self.keep = _REST, False
            return
        self._left = self.length
        self._stage = _DATA

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
