"""The head of an HTTP answer: its status line and its fields. See http.py."""

from agent.compat import const
from agent.http import Answer, bad

_FIELD = const(1024)  # of the value of one that is kept
_CHUNK_LINE = const(256)
_KEPT = const(
    " content-type content-length content-range etag last-modified location retry-after x-syncml-hmac date"
    " connection transfer-encoding content-encoding "
)
_STATUS = const(0)  # what comes next
_FIELDS = const(1)
_DATA = const(2)  # `_left` bytes of the body, or of a chunk
_REST = const(3)  # body until the peer closes
_CHUNK = const(4)  # the line that begins a chunk


class Head(Answer):
    """What an Answer does while its head comes."""

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
