"""Reads WBXML 1.x as SyncML uses it: no attributes, no literals, no extensions.

It knows nothing of what the elements mean: a token that no table has comes out as page << 8 | token like any other. Nesting
is kept to MAX_DEPTH, the string table to 256 bytes; text comes in pieces, so nothing else can grow.
"""

from agent.compat import const
from agent.window import character, check

_NEED_DATA = const(0)
_START = const(1)
_TEXT = const(2)
_END = const(3)
_DONE = const(4)
_SKIP = const(5)  # no event
_MAX_DEPTH = const(64)
_MAX_TABLE = const(256)
_UTF_8 = const(106)
_ENTITY = const(2)
_STR_I = const(3)
_STR_T = const(0x83)
_OPAQUE = const(0xC3)
_INSIDE_STRING = const(-1)


class WbxmlReader:
    """Gives `events` for what passes through a window; with a `page` the body starts on it at once, without a header."""

    def __init__(self, window, page=None):
        self.tag = 0
        self.text = window.view
        self.public_id = 0  # 0 where the document names it in words
        self.events = self._read(page)
        self._window = window
        self._table = b""
        self._next = 0  # behind the number that was read
        self._left = 0  # bytes of the OPAQUE to come, or _INSIDE_STRING

    def _read(self, page):
        window = self._window
        buf, view, find = window.buf, window.view, window.buf.find
        tags, depth, event = [0] * _MAX_DEPTH, 0, _NEED_DATA
        base = ((yield from self._header(page)) << 8) - 0x40  # page and the bit that says that there is content
        while event != _DONE:
            at, end = window.start, window.end
            last = 0 if self._left or self.tag and not depth else end
            while at < last:
                token = buf[at]
                at += 1
                if token > 0x44 and token < 0x80 and depth < _MAX_DEPTH:
                    tags[depth] = self.tag = base + token
                    depth += 1
                    yield _START
                elif token == 1 and depth:
                    depth -= 1
                    self.tag = tags[depth]
                    yield _END
                    if not depth:
                        break
                elif token == _STR_I and depth and at <= (stop := find(b"\0", at)) < end:
                    if stop > at:
                        self.text = view[at:stop]
                        yield _TEXT
                    at = stop + 1
                elif 5 <= token < 0x40:
                    self.tag = base + token + 0x40
                    yield _START
                    yield _END
                    if not depth:
                        break
                elif not token and at < end:
                    base, at = (buf[at] << 8) - 0x40, at + 1
                else:
                    at -= 1
                    break
            event = self._slow(at, depth)
            if event != _SKIP:
                yield event

    def _slow(self, at, depth):
        """Do one thing that the loop of `_read` leaves to it; return the event."""
        window = self._window
        window.start = at
        event = self._step(at, depth)
        if event == _NEED_DATA:
            window.need()
        return event

    def _step(self, at, depth):
        window = self._window
        if self._left:
            return self._content(at)
        token = window.buf[at] if at < window.end else 0
        if self.tag and not depth:
            check(at == window.end, "trailing")
            return _DONE if window.closed else _NEED_DATA
        if not token:
            return _NEED_DATA
        check(depth and token in (_ENTITY, _STR_I, _STR_T, _OPAQUE), "token")
        if token == _STR_I:
            self._left = _INSIDE_STRING
            window.start += 1
            return _SKIP
        value = self._number(at + 1)
        if value < 0:
            return _NEED_DATA
        window.start = self._next
        if token == _OPAQUE:
            self._left = value
            return _SKIP
        self.text = character(value) if token == _ENTITY else self._from_table(value)
        return _TEXT if len(self.text) else _SKIP

    def _content(self, at):
        """Give the next piece of an OPAQUE or of a string that is not all in the window."""
        window = self._window
        stop = end = window.end
        if self._left > 0:
            stop = window.start = min(end, at + self._left)
            self._left -= stop - at
        else:
            nul = window.buf.find(b"\0", at, end)
            if nul >= 0:
                stop = nul
                self._left = 0
            window.start = stop + (nul >= 0)
        if stop > at:
            self.text = window.view[at:stop]
            return _TEXT
        return _NEED_DATA if self._left else _SKIP

    def _from_table(self, offset):
        size = len(self._table)
        check(offset < size, "string table")
        stop = self._table.find(b"\0", offset)
        return memoryview(self._table)[offset : stop if stop >= 0 else size]

    def _number(self, at):
        """Read a mb_u_int32 and set `_next`; return -1 where its end is not there yet."""
        value = 0
        for i in range(at, at + 5):
            if i >= self._window.end:
                return -1
            byte = self._window.buf[i]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                break
        check(byte < 0x80 and value <= 0xFFFFFFFF, "number")
        self._next = i + 1
        return value

    def _header(self, page):
        """Read version, public id or 0 and where it is in the string table, character set, string table."""
        if page is not None:
            return page
        version = yield from self._field()
        name_at = 0
        self.public_id = yield from self._field()
        if not self.public_id:
            name_at = yield from self._field()
        charset = yield from self._field()
        size = yield from self._field()
        check(version < 16 and charset in (0, _UTF_8) and name_at <= size <= _MAX_TABLE, "header")
        self._table = bytearray(size)
        window, filled = self._window, 0
        while filled < size:
            start = window.start
            count = min(size - filled, window.end - start)
            self._table[filled : filled + count] = window.view[start : start + count]
            window.start += count
            filled += count
            if not count:
                window.need()
                yield _NEED_DATA
        return 0

    def _field(self):
        window = self._window
        while (value := self._number(window.start)) < 0:
            window.need()
            yield _NEED_DATA
        window.start = self._next
        return value
