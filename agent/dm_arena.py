"""Where an incoming message waits until it may act: records with fields, one behind the other in one fixed buffer.

A record is kind, depth, status (2 bytes), size (2); a field is id, size (2), bytes. A command's record is followed by one
record for each Item. What does not fit is cut away and its record says 413; the last part of the buffer is kept free
for the heads of what follows, so that it can still be answered.
"""

from agent.compat import const
from agent.errors import ProtocolError

_ITEM = const(0x14)
_LATE = const(0x02)  # fields of a command that come behind its Items
_HEAD = const(6)
_FIELD = const(3)
_SIZE = const(2)  # a record's size stands so far behind its status: the same two methods do for both
_FIELD_SIZE = const(-1)  # and so for that of a field
_RESERVE = const(512)
_TOO_LARGE = const(413)
_NARROW = const(b"\x0b\x2e\x27\x0c\x1c\x0a")  # CmdID, Target, Source, CmdRef, MsgRef, Cmd: these may use the reserve
_BLANKS = const(b" \t\r\n")


class Arena:
    """Records from 0 to `fill`; offsets stay valid until `drop`. `newest` is a kind, -1: fields belong to nothing."""

    def __init__(self, size=4096):
        self.buf = bytearray(size)
        self.view = memoryview(self.buf)
        self.fill = 0

    # -- writing ------------------------------------------------------------------------------------------------------

    def open(self, kind, depth):
        """Begin a record; return its offset."""
        self.newest = kind
        self._record = self.fill
        self._id = _NARROW[0]  # as such a field it may use the reserve
        self.append(bytes((kind, depth, 0, 0, 0, 0)))
        return self._record

    def open_field(self, field):
        """Begin a field of the newest record."""
        self._field = self.fill
        self._id = field
        self.append(bytes((field, 0, 0)))

    def append(self, data):
        """Add to the open field."""
        if self._id < 0:
            return
        end, narrow = self.fill + len(data), self._id in _NARROW
        if end > len(self.buf) - (0 if narrow else _RESERVE):
            if narrow:
                raise ProtocolError("the message does not fit", _TOO_LARGE)
            self.set_status(self._record, _TOO_LARGE)
            self.fill = self._field
            self._id = -1  # its text is dropped
            return
        self.view[self.fill : end] = data
        self.fill = end

    def close_field(self, trim):
        """End the field, without the white space round it if `trim`."""
        if self._id >= 0:
            buf, start = self.buf, self._field + _FIELD
            blank = start
            while trim and self.fill > start and buf[self.fill - 1] in _BLANKS:
                self.fill -= 1
            while trim and blank < self.fill and buf[blank] in _BLANKS:
                blank += 1
            self.drop(start, blank)
            self.set_status(self._field + _FIELD_SIZE, self.fill - start)
        self.set_status(self._record + _SIZE, self.fill - self._record - _HEAD)

    def drop(self, start, end):
        """Remove the bytes from `start` to `end`; what is behind moves down."""
        view, fill = self.view, self.fill
        self.fill = fill - end + start
        view[start : self.fill] = view[end:fill]

    def strip(self, start, kept):
        """Drop from `start` on what no Status and no Results needs; `kept` is the kind of records that stay whole.

        A kept record names an Item by its offset, in its status: that follows the Item. Returns {old: new} offsets.
        """
        moved, at, dropped, buf = {}, start, 0, self.buf
        while at < self.fill:
            record, end = at, self.next(at)
            whole = buf[at] == kept
            if whole:
                self.set_status(at, moved[self.status(at)])
            moved[at + dropped] = at
            at += _HEAD
            while at < end:
                size = _FIELD + self.status(at + _FIELD_SIZE)
                if whole or buf[at] in _NARROW:
                    at += size
                else:
                    self.drop(at, at + size)
                    end -= size
                    dropped += size
            self.set_status(record + _SIZE, at - record - _HEAD)
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
        return record + _HEAD + self.status(record + _SIZE)

    def items(self, record, end):
        """Return the offsets of a command's Items, all of them before `end`."""
        found, at = [], self.next(record)
        while at < end and self.buf[at] in (_ITEM, _LATE):
            if self.buf[at] == _ITEM:
                found.append(at)
            at = self.next(at)
        return found

    def field(self, record, field):
        """Return the field as a memoryview, None where there is none."""
        at, end = record + _HEAD, self.next(record)
        while at < end:
            start = at + _FIELD
            behind = start + self.status(at + _FIELD_SIZE)
            if self.buf[at] == field:
                return self.view[start:behind]
            at = behind

    def text(self, record, field, default=""):
        """Return the field as text; ProtocolError where that is not UTF-8."""
        found = self.field(record, field)
        return default if found is None else to_text(found)

    def number(self, record, field):
        """Return the field as a number, -1 where there is none."""
        text = self.text(record, field, None)
        return -1 if text is None else to_number(text)


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
