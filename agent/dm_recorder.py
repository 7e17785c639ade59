"""Writes the records of a dm_arena.Arena, field by field.

What does not fit is cut away and its record says 413; the last part of the buffer is kept free for the heads of what
follows, so that it can still be answered.
"""

from agent.compat import const
from agent.errors import ProtocolError

_HEAD = const(6)  # as in dm_arena
_FIELD = const(3)
_SIZE = const(2)
_FIELD_SIZE = const(-1)
_RESERVE = const(512)
_TOO_LARGE = const(413)
_NARROW = const(b"\x0b\x2e\x27\x0c\x1c\x0a")  # CmdID, Target, Source, CmdRef, MsgRef, Cmd: these may use the reserve
_BLANKS = const(b" \t\r\n")


class Recorder:
    """Writes behind what is there. `newest` is the kind of the record that is open, -1: fields belong to nothing."""

    def __init__(self, arena):
        self._arena, self.newest = arena, -1

    def open(self, kind, depth):
        """Begin a record; return its offset."""
        self.newest = kind
        self._record = self._arena.fill
        self._id = _NARROW[0]  # as such a field it may use the reserve
        self.append(bytes((kind, depth, 0, 0, 0, 0)))
        return self._record

    def open_field(self, field):
        """Begin a field of the newest record."""
        self._field = self._arena.fill
        self._id = field
        self.append(bytes((field, 0, 0)))

    def append(self, data):
        """Add to the open field."""
        if self._id < 0:
            return
        arena = self._arena
        end, narrow = arena.fill + len(data), self._id in _NARROW
        if end > len(arena.buf) - (0 if narrow else _RESERVE):
            if narrow:
                raise ProtocolError("the message does not fit", _TOO_LARGE)
            arena.set_status(self._record, _TOO_LARGE)
            arena.fill = self._field
            self._id = -1  # its text is dropped
            return
        arena.view[arena.fill : end] = data
        arena.fill = end

    def close_field(self, trim):
        """End the field, without the white space round it if `trim`."""
        arena = self._arena
        if self._id >= 0:
            buf, start = arena.buf, self._field + _FIELD
            blank = start
            while trim and arena.fill > start and buf[arena.fill - 1] in _BLANKS:
                arena.fill -= 1
            while trim and blank < arena.fill and buf[blank] in _BLANKS:
                blank += 1
            arena.drop(start, blank)
            arena.set_status(self._field + _FIELD_SIZE, arena.fill - start)
        arena.set_status(self._record + _SIZE, arena.fill - self._record - _HEAD)
