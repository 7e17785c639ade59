"""Turns the events of a reader into the header's facts and records in the arena. Nothing acts here.

Field ids are token numbers of code page 0 (LocURI takes that of its parent, a Cred's Data that of Cred); those of page 1
have the high bit set. A management tree inside Data is kept as a WBXML fragment that begins on page 0.
The one thing that is not kept is the Data of a node that streams: it goes to `owner.open_sink(...)` while it arrives.
"""

from agent.compat import const
from agent.errors import ProtocolError
from agent.window import END, NEED_DATA, START, TEXT

_ATOMIC = const(0x08)
_CORRELATOR = const(0x3C)
_CHAL = const(0x09)
_CRED = const(0x0E)
_DATA = const(0x0F)
_FINAL = const(0x12)
_ITEM = const(0x14)
_LOC_URI = const(0x17)
_META = const(0x1A)
_MORE_DATA = const(0x34)
_SEQUENCE = const(0x24)
_STATUS = const(0x29)
_SYNC_BODY = const(0x2B)
_SYNC_HDR = const(0x2C)
_SYNC_ML = const(0x2D)
_UNKNOWN = const(0x01)
_LATE = const(0x02)  # fields of a command that come behind its Items
_COMMANDS = b"\x05\x06\x08\x0d\x10\x11\x13\x20\x22\x24\x29"
# Cmd CmdID CmdRef Data MsgID MsgRef RespURI SessionID SourceRef TargetRef VerDTD VerProto Correlator
_LEAVES = b"\x0a\x0b\x0c\x0f\x1b\x1c\x21\x25\x28\x2f\x31\x32\x3c"
_META_LEAVES = b"\x07\x0b\x0c\x10\x12\x13\x15"  # Format Mark MaxMsgSize NextNonce Size Type MaxObjSize
_MAX_NESTING = const(8)
DONE_WITH_MESSAGE = const(1)
NEED_MORE = const(0)
BUSY = const(2)


class Incoming:
    """One message; `header` is the offset of its SyncHdr record until `owner.on_header(arena, header)` has seen it."""

    def __init__(self, reader, arena, owner):
        self._reader, self._arena, self._owner = reader, arena, owner
        self.start = arena.fill
        arena.no_record()
        self.final = False
        self._path = bytearray(66)
        self._level = 0
        self._containers = 0
        self._in_field = self._in_item = False
        self._fragment = 0  # the level at which a tree inside Data began
        self._sink = None
        self._taken = -1  # of the TEXT piece that the sink has not wholly taken yet

    def run(self):
        """Take in what the window has: DONE_WITH_MESSAGE, NEED_MORE, or BUSY where the flash cannot take more yet."""
        if self._taken >= 0 and not self._pour():
            return BUSY
        for event in self._reader.events:
            if event == START:
                self._start(self._reader.tag)
            elif event == END:
                self._end()
            elif event == TEXT:
                if self._sink:
                    self._taken = 0
                    if not self._pour():
                        return BUSY
                elif self._in_field:
                    self._text(self._reader.text)
            elif event == NEED_DATA:
                return NEED_MORE
        return DONE_WITH_MESSAGE

    def _pour(self):
        text = self._reader.text
        while self._taken < len(text):
            count = self._sink.take(text[self._taken :])
            if not count:
                return False
            self._taken += count
        self._taken = -1
        return True

    # -- elements -----------------------------------------------------------------------------------------------------

    def _start(self, tag):
        above = self._path[self._level]
        self._level += 1
        if self._fragment:
            self._arena.append(bytes((tag & 0x3F | 0x40,)))
            return
        page = tag >> 8
        code = tag & 0x3F | (0x80 if page == 1 else 0)
        self._path[self._level] = code if page < 2 else 0
        if page == 2:
            self._start_fragment(tag)
        elif above in (_SYNC_BODY, _SEQUENCE, _ATOMIC) and not self._in_field and self._is_command(code):
            self._command(code)
        elif code == _ITEM and not self._in_field:
            self._in_item = True
            self._arena.open(_ITEM, self._containers)
        else:
            self._leaf(code, above)

    def _is_command(self, code):
        if code == _FINAL:
            self.final = True
        return code not in (_FINAL, 0x0B, 0x1D, _META)  # CmdID, NoResp, Meta of the container itself

    def _command(self, code):
        self._arena.open(code if code in _COMMANDS else _UNKNOWN, self._containers)
        if code in (_SEQUENCE, _ATOMIC):
            self._containers += 1
            if self._containers > _MAX_NESTING:
                raise ProtocolError("commands are nested too deep", 413)

    def _leaf(self, code, above):
        if code == _SYNC_HDR:
            self._arena.open(_SYNC_HDR, 0)
        elif code & 0x80:
            if above == _META and code & 0x3F in _META_LEAVES:
                self._field(code)
        elif code == _LOC_URI:
            self._field(above)
        elif code == _DATA and above == _CRED:
            self._field(_CRED)
        elif code in _LEAVES or code == _MORE_DATA:
            if code == _DATA and above == _ITEM:
                self._sink = self._owner.open_sink(self._arena, self.start)
            if above not in (_SEQUENCE, _ATOMIC) or self._arena.newest_kind() == above:
                self._field(code)
        elif code in (_SEQUENCE, _ATOMIC):
            self._path[self._level] = 0  # in a place where it is no command: its end must not count

    def _field(self, field):
        """Open a field; a command's field behind its Items goes to a record of its own."""
        newest = self._arena.newest_kind()
        if newest < 0 or self._in_field:
            return
        if newest == _ITEM and not self._in_item:
            self._arena.open(_LATE, self._containers)
        self._arena.open_field(field)
        self._in_field = True

    def _start_fragment(self, tag):
        if self._in_field:
            self._fragment = self._level
            self._arena.append(b"\x00\x02")
            self._arena.append(bytes((tag & 0x3F | 0x40,)))

    def _text(self, text):
        if self._fragment:
            self._arena.append(b"\x03")
            self._arena.append(text)
            self._arena.append(b"\x00")
        else:
            self._arena.append(text)

    def _end(self):
        code = self._path[self._level]
        if self._fragment:
            self._arena.append(b"\x01")
            if self._level == self._fragment:
                self._fragment = 0
        elif self._in_field and self._is_field(code):
            self._in_field = False
            self._sink = None
            self._arena.close_field(code != _CORRELATOR and (code != _DATA or self._path[self._level - 1] == _CRED))
        elif code in (_SEQUENCE, _ATOMIC):
            self._containers -= 1
        elif code == _ITEM:
            self._in_item = False
        elif code == _SYNC_HDR and self._arena.newest_kind() == _SYNC_HDR:
            self._owner.on_header(self._arena, self.start)
            self._arena.fill = self.start
            self._arena.no_record()
        self._level -= 1

    def _is_field(self, code):
        return code & 0x80 or code == _LOC_URI or code in _LEAVES or code == _MORE_DATA
