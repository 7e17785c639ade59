"""Where an incoming message waits until it may act: records with fields, one behind the other in one fixed buffer.

A record is kind, depth, status (2 bytes), size (2); a field is id, size (2), bytes. A command's record is followed by one
record for each Item. dm_recorder.py writes them.
"""

from agent.compat import const
from agent.errors import ProtocolError

_ITEM = const(0x14)
_LATE = const(0x02)  # fields of a command that come behind its Items
_HEAD = const(6)
_FIELD = const(3)
_SIZE = const(2)  # a record's size stands so far behind its status: the same two methods do for both
_FIELD_SIZE = const(-1)  # and so for that of a field


class Arena:
    """Records from 0 to `fill`; offsets stay valid until `drop`."""

    def __init__(self, size=4096):
        self.buf = bytearray(size)
        self.view = memoryview(self.buf)
        self.fill = 0

    def drop(self, start, end):
        """Remove the bytes from `start` to `end`; what is behind moves down."""
        view, fill = self.view, self.fill
        self.fill = fill - end + start
        view[start : self.fill] = view[end:fill]

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
