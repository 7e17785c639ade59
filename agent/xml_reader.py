"""Reads XML 1.0 as SyncML uses it: no document types of one's own, hence no entities of one's own; UTF-8 only.

It knows the elements only by `syncml_tags`; an unknown one comes out as tag 0. Prefixes and attributes are passed over:
elements are told apart by their names, and below a MgmtTree the names are those of the device description. Not checked:
that text is well-formed UTF-8, that attributes are written properly, that `--` and `]]>` stand where they may.
"""

from agent.compat import const
from agent.syncml_tags import names_of, number
from agent.window import character, check

_NEED_DATA = const(0)
_START = const(1)
_TEXT = const(2)
_END = const(3)
_DONE = const(4)
_SKIP = const(5)  # no event
_EMPTY = const(6)  # _START and _END
_MGMT_TREE = const(0x220)
_MAX_DEPTH = const(64)
_MAX_NAME = const(64)  # bytes, with the prefix: so much of every open element is kept
_LONGEST_ENTITY = const(16)
_ENTITIES = const(b"&lt;<&gt;>&quot;\"&apos;'&amp;&")  # what is searched for begins with &: none may follow the last
_BLANKS = const(b" \t\r\n")
_MARK = const(b"\xef\xbb\xbf")
_COMMENT_END = const(b"-->")
_CDATA_END = const(b"]]>")


class XmlReader:
    """Gives `events` for what passes through a window."""

    def __init__(self, window):
        self.tag = 0
        self.text = window.view
        self.events = self._read()
        self._window = window
        self._tags = [0] * _MAX_DEPTH  # of the open elements
        self._names = [b""] * (_MAX_DEPTH + 1)  # with the prefix; the first one stays, the last one is nobody's
        self._depth = 0
        self._ddf = 0  # depth inside of the MgmtTree
        self._until = _MARK  # what ends the comment or CDATA section that we are in; _MARK at first

    def _read(self):
        window, tags, names = self._window, self._tags, self._names
        buf, view, find = window.buf, window.view, window.buf.find
        event = _NEED_DATA
        while event != _DONE:
            at, end, depth, ddf = window.start, window.end, self._depth, self._ddf
            check(event != _NEED_DATA or find(b"\0", at, end) < 0, "NUL")
            last, amp, top = 0 if self._until else end - 1, find(b"&", at, end), names[depth - 1]
            table, base = names_of(ddf), 0x180 if ddf else -0x80
            while at < last and depth > ddf:
                if buf[at] != 0x3C:
                    lt = find(b"<", at)
                    if 0 <= amp < lt or not at < lt < last:
                        break
                    self.text = view[at:lt]
                    at = lt
                    yield _TEXT
                if buf[at + 1] == 0x2F:
                    stop = at + 2 + len(top)
                    if buf[at + 2 : stop] != top or stop >= end or buf[stop] != 0x3E:
                        break
                    depth -= 1
                    self.tag = tags[depth]
                    top = names[depth - 1]
                    yield _END
                else:
                    stop = find(b">", at)
                    name = buf[at + 1 : stop]
                    i = table.find(name)
                    token = table[i + len(name)] if i >= 0 else 0
                    if token < 0x80 or table[i - 1] < 0x80 or not 0 < stop < end or depth == _MAX_DEPTH:
                        break
                    tags[depth] = self.tag = base + token if token < 0xC0 else token + 0x40
                    top = names[depth] = name
                    depth += 1
                    yield _START
                at = stop + 1
            event = yield from self._slow(at, depth)

    def _slow(self, at, depth):
        """Do the next thing that the loop of `_read` leaves to it; return the last event."""
        window = self._window
        window.start, self._depth = at, depth
        event = self._step(at, window.end)
        if event == _NEED_DATA:
            window.need()
        elif event == _EMPTY:
            yield _START
            event = self._close()
        if event != _SKIP:
            yield event
        return event

    def _step(self, at, end):
        window, depth = self._window, self._depth
        if self._until:
            return self._inside(at, end)
        if at == end:
            return _DONE if window.closed and self._names[0] and not depth else _NEED_DATA
        buf, find = window.buf, window.buf.find
        if buf[at] != 0x3C:
            stop = find(b"<", at, end)
            if stop < 0:
                stop = end
            amp = find(b"&", at, stop)
            check(depth or not buf[at:stop].strip(_BLANKS), "text")
            if amp == at:
                return self._entity(at, end)
            window.start = stop if amp < 0 else amp
            self.text = window.view[at : window.start]
            return _TEXT if depth else _SKIP
        kind = buf[at + 1] if at + 1 < end else 0x21
        if kind == 0x21:
            return self._declaration(at, end)
        stop = find(b"?>", at + 2, end) + 1 if kind == 0x3F else _tag_end(buf, at + 1, end)
        if stop <= 0:
            return _NEED_DATA
        window.start = stop + 1
        if kind == 0x3F:
            text = bytes(buf[at:stop]).lower()
            check(b"encoding" not in text or b"utf-8" in text, "encoding")
            return _SKIP
        return self._end(at + 2, stop) if kind == 0x2F else self._start(at + 1, stop)

    def _entity(self, at, end):
        window = self._window
        stop = window.buf.find(b";", at, min(end, at + _LONGEST_ENTITY))
        if stop < 0 and end - at < _LONGEST_ENTITY:
            return _NEED_DATA
        text = bytes(window.buf[at : stop + 1])
        i = _ENTITIES.find(text)
        if stop > 0 and i >= 0:
            code = _ENTITIES[i + len(text)]
        else:
            digits, radix = text[2:-1].lower(), 10
            if text[2:3] == b"x":
                digits, radix = digits[1:], 16
            check(stop > 0 and text[1:2] == b"#" and not digits.strip(b"0123456789abcdef"[:radix]), "&")
            code = int(b"0" + digits, radix)
        self.text = character(code)
        window.start = stop + 1
        return _TEXT

    def _inside(self, at, end):
        """Go on to the end of a comment or CDATA section."""
        until, window = self._until, self._window
        stop = window.buf.find(until, at, end)
        if end - at < 3:
            return _NEED_DATA
        self._until = None
        if until == _MARK:
            window.start = at if stop != at else at + 3
            return _SKIP
        window.start = stop + 3
        if stop < 0:
            stop = window.start = end - 2
            self._until = until
        self.text = window.view[at:stop]
        return _TEXT if until == _CDATA_END and stop > at else _SKIP

    def _declaration(self, at, end):
        window = self._window
        head = bytes(window.buf[at : min(end, at + 9)])
        if head[:4] == b"<!--":
            self._until = _COMMENT_END
            window.start = at + 4
            return _SKIP
        stop = at + 8
        if head == b"<![CDATA[" and self._depth:
            self._until = _CDATA_END
        elif stop < end:
            check(head == b"<!DOCTYPE" and not self._names[0], "<!")
            stop = _tag_end(window.buf, at + 1, end)
            check(window.buf.find(b"[", at, stop if stop > 0 else end) < 0, "document type")
        if not 0 < stop < end:
            return _NEED_DATA
        window.start = stop + 1
        return _SKIP

    def _start(self, at, stop):
        buf, depth, names = self._window.buf, self._depth, self._names
        check(depth < _MAX_DEPTH and (depth or not names[0]) and buf.find(b"<", at, stop) < 0, "nesting")
        name = names[depth] = buf[at : _name_end(buf, at)]
        tag = number(name[name.find(b":") + 1 :], self._ddf)
        self._tags[depth] = self.tag = max(tag, 0)
        self._depth = depth + 1
        if tag == _MGMT_TREE and not self._ddf:
            self._ddf = self._depth
        return _EMPTY if buf[stop - 1] == 0x2F else _START

    def _end(self, at, stop):
        buf = self._window.buf
        name_end = _name_end(buf, at)
        ended = buf[at:name_end] == self._names[self._depth - 1] and not buf[name_end:stop].strip(_BLANKS)
        check(ended, "end tag")
        return self._close()

    def _close(self):
        self._depth = depth = self._depth - 1
        self.tag = self._tags[depth]
        if depth < self._ddf:
            self._ddf = 0
        return _END


def _tag_end(buf, at, end):
    """Return where the > of a tag is, none of those in quotes; -1 where it has not come yet."""
    stop = buf.find(b">", at, end)
    if buf.find(b"'", at, stop) < 0 and buf.count(b'"', at, stop) == 2:
        return stop  # what is usual, at once
    wanted = 0x3E
    for i in range(at, end):
        byte = buf[i]
        if byte == wanted:
            if byte == 0x3E:
                return i
            wanted = 0x3E
        elif wanted == 0x3E and byte in b"\"'":
            wanted = byte
    return -1


def _name_end(buf, at):
    """Return where the name ends that begins at `at`; it must be one, and be followed by what may follow it."""
    stop = at
    while True:
        byte = buf[stop]
        if not 0x61 <= byte | 0x20 <= 0x7A and byte < 0x80:
            if byte not in (b"-._:0123456789" if stop > at else b"_:"):
                break
        stop += 1
    slash = byte == 0x2F and buf[stop + 1] == 0x3E
    check(at < stop <= at + _MAX_NAME and (slash or byte in b" \t\r\n>"), "name")
    return stop
