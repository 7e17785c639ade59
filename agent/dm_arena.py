"""Where an incoming message waits until it may act: records with fields, one behind the other in one fixed buffer.

A record is kind, depth, status (2 bytes), size (2); a field is id, size (2), bytes. A command's record is followed by one
record for each Item. What does not fit is cut away and its record says 413; the last part of the buffer is kept free
for the heads of what follows, so that it can still be answered.
"""

from agent.compat import const
from agent.errors import ProtocolError

_HEAD = const(6)
_FIELD = const(3)
_RESERVE = const(512)
_TOO_LARGE = const(413)
_NARROW = b"\x0b\x2e\x27\x0c\x1c\x0a"  # CmdID, Target, Source, CmdRef, MsgRef, Cmd: these may use the reserve


class Arena:
    """Records from 0 to `fill`; offsets stay valid until `drop`."""

    def __init__(self, size=4096):
        self.buf = bytearray(size)
        self.view = memoryview(self.buf)
        self.fill = 0
        self._record = -1
        self._field = -1
        self._cut = False  # the field's text is dropped because it did not fit

    # -- writing ------------------------------------------------------------------------------------------------------

    def open(self, kind, depth):
        """Begin a record; return its offset."""
        at = self.fill
        if at + _HEAD > len(self.buf):
            raise ProtocolError("the message has too many commands", 413)
        self.view[at : at + _HEAD] = bytes((kind, depth, 0, 0, 0, 0))
        self._record, self.fill = at, at + _HEAD
        return at

    def open_field(self, field):
        """Begin a field of the newest record."""
        self._cut = self.fill + _FIELD > self._limit(field)
        if self._cut:
            self._too_large(field)
            return
        self._field = self.fill
        self.buf[self.fill] = field
        self.fill += _FIELD

    def append(self, data):
        """Add to the open field."""
        if self._cut:
            return
        size = len(data)
        if self.fill + size > self._limit(self.buf[self._field]):
            self._too_large(self.buf[self._field])
            self.fill = self._field
            self._cut = True
            return
        self.view[self.fill : self.fill + size] = data
        self.fill += size

    def close_field(self, trim):
        """End the field, without the white space round it if `trim`."""
        if not self._cut:
            start = self._field + _FIELD
            if trim:
                self._trim(start)
            size = self.fill - start
            self.buf[self._field + 1], self.buf[self._field + 2] = size & 255, size >> 8
        self._cut = False
        self._measure()

    def cut_field(self):
        """End the field and forget it."""
        if not self._cut:
            self.fill = self._field
        self._cut = False
        self._measure()

    def _measure(self):
        size = self.fill - self._record - _HEAD
        self.buf[self._record + 4], self.buf[self._record + 5] = size & 255, size >> 8

    def _trim(self, start):
        while self.fill > start and self.buf[self.fill - 1] in b" \t\r\n":
            self.fill -= 1
        blank = start
        while blank < self.fill and self.buf[blank] in b" \t\r\n":
            blank += 1
        if blank > start:
            size = self.fill - blank
            self.view[start : start + size] = self.view[blank : self.fill]
            self.fill = start + size

    def _limit(self, field):
        return len(self.buf) - (0 if field in _NARROW else _RESERVE)

    def _too_large(self, field):
        if field in _NARROW:
            raise ProtocolError("the message does not fit", 413)
        self.set_status(self._record, _TOO_LARGE)

    def no_record(self):
        """Forget which record is the newest: fields that come now belong to nothing."""
        self._record = -1

    def newest_kind(self):
        """Return the kind of the newest record, -1 where there is none."""
        return self.buf[self._record] if self._record >= 0 else -1

    def drop(self, start, end):
        """Remove the bytes from `start` to `end`; what is behind moves down."""
        size = self.fill - end
        self.view[start : start + size] = self.view[end : self.fill]
        self.fill = start + size

    def strip(self, start, kept):
        """Drop from `start` on what no Status and no Results needs; `kept` is the kind of records that stay whole.

        A kept record names an Item by its offset, in its status: that follows the Item. Returns {old: new} offsets.
        """
        moved, at, to = {}, start, start
        while at < self.fill:
            behind, head = self.next(at), to
            whole = self.buf[at] == kept
            if whole:
                self.set_status(at, moved[self.status(at)])
            moved[at] = to
            self.view[to : to + _HEAD] = self.view[at : at + _HEAD]
            to, at = to + _HEAD, at + _HEAD
            while at < behind:
                size = _FIELD + (self.buf[at + 1] | self.buf[at + 2] << 8)
                if whole or self.buf[at] in _NARROW:
                    self.view[to : to + size] = self.view[at : at + size]
                    to += size
                at += size
            size = to - head - _HEAD
            self.buf[head + 4], self.buf[head + 5] = size & 255, size >> 8
        self.fill = to
        return moved

    # -- reading ------------------------------------------------------------------------------------------------------

    def kind(self, record):
        """Return the record's kind."""
        return self.buf[record]

    def depth(self, record):
        """Return how many containers are around it."""
        return self.buf[record + 1]

    def status(self, record):
        """Return the record's status, 0 where it has none yet."""
        return self.buf[record + 2] | self.buf[record + 3] << 8

    def set_status(self, record, code):
        """Set the record's status."""
        self.buf[record + 2], self.buf[record + 3] = code & 255, code >> 8

    def next(self, record):
        """Return the offset of the record behind."""
        return record + _HEAD + (self.buf[record + 4] | self.buf[record + 5] << 8)

    def field(self, record, field):
        """Return the field as a memoryview, None where there is none."""
        at, end = record + _HEAD, self.next(record)
        while at < end:
            size = self.buf[at + 1] | self.buf[at + 2] << 8
            if self.buf[at] == field:
                return self.view[at + _FIELD : at + _FIELD + size]
            at += _FIELD + size
        return None

    def text(self, record, field, default=""):
        """Return the field as text; ProtocolError where that is not UTF-8."""
        found = self.field(record, field)
        return default if found is None else to_text(found)

    def number(self, record, field):
        """Return the field as a number, -1 where there is none."""
        found = self.field(record, field)
        return -1 if found is None else to_number(to_text(found))


def to_text(data):
    """Return bytes as text."""
    try:
        return str(data, "utf-8")
    except UnicodeError:
        raise ProtocolError("the text is not UTF-8")


def to_number(text):
    """Return a decimal number below 2**31."""
    if not text.isdigit() or len(text) > 10:
        raise ProtocolError("not a number")
    return min(int(text), 0x7FFFFFFF)
