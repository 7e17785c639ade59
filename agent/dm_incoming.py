"""Turns the events of a reader into the header's facts and records in the arena. Nothing acts here.

Field ids are token numbers of code page 0 (LocURI takes that of its parent, a Cred's Data that of Cred); those of page 1
have the high bit set. A management tree inside Data is kept as a WBXML fragment that begins on page 0.
The one thing that is not kept is the Data of a node that streams: it goes to `owner.open_sink(...)` while it arrives.
"""

from agent.compat import const
from agent.dm_recorder import Recorder
from agent.errors import ProtocolError

_NEED_DATA = const(0)
_START = const(1)
_TEXT = const(2)
_END = const(3)
_CRED = const(0x0E)
_DATA = const(0x0F)
_FINAL = const(0x12)
_ITEM = const(0x14)
_LOC_URI = const(0x17)
_META = const(0x1A)
_SYNC_HDR = const(0x2C)
_UNKNOWN = const(0x01)
_LATE = const(0x02)  # fields of a command that come behind its Items
_CONTAINERS = const(b"\x08\x24")  # Atomic Sequence
_WITH_COMMANDS = const(b"\x08\x24\x2b")  # and SyncBody
_COMMANDS = const(b"\x05\x06\x08\x0d\x10\x11\x13\x20\x22\x24\x29")
_NO_COMMANDS = const(b"\x0b\x12\x1a\x1d")  # CmdID Final Meta NoResp
# Cmd CmdID CmdRef Data LocURI MsgID MsgRef RespURI SessionID SourceRef TargetRef VerDTD VerProto MoreData Correlator
_LEAVES = const(b"\x0a\x0b\x0c\x0f\x17\x1b\x1c\x21\x25\x28\x2f\x31\x32\x34\x3c")
_META_LEAVES = const(b"\x87\x8b\x8c\x90\x92\x93\x95")  # Format Mark MaxMsgSize NextNonce Size Type MaxObjSize
_MAX_NESTING = const(8)
DONE_WITH_MESSAGE = const(1)
_NEED_MORE = const(0)
_BUSY = const(2)


class Incoming:
    """One message; `start` is the offset of its SyncHdr record until `owner.on_header(arena, start)` has seen it."""

    def __init__(self, reader, arena, owner):
        self._reader, self._arena, self._owner = reader, arena, owner
        self.start = arena.fill
        self._records = Recorder(arena)
        self.final = False
        self._path = bytearray(66)
        self._level = 0
        self._containers = 0
        self._in_field = 0  # the level of the element whose text is kept; whatever else is inside of it does not count
        self._in_item = False
        self._fragment = 0  # the level at which a tree inside Data began
        self._sink = None
        self._rest = b""  # what the sink has not taken yet of a piece of text

    def run(self):
        """Take in what the window has: DONE_WITH_MESSAGE, _NEED_MORE, or _BUSY where the flash cannot take more yet."""
        if not self._pour():
            return _BUSY
        reader, append = self._reader, self._records.append
        for event in reader.events:
            if event == _START:
                self._start(reader.tag)
            elif event == _END:
                self._end()
            elif event == _NEED_DATA:
                return _NEED_MORE
            elif event == _TEXT and self._in_field:
                if self._sink:
                    self._rest = reader.text
                    if not self._pour():
                        return _BUSY
                elif self._fragment:
                    append(b"\x03")
                    append(reader.text)
                    append(b"\x00")
                else:
                    append(reader.text)
        return DONE_WITH_MESSAGE

    def _pour(self):
        while self._rest:
            count = self._sink.take(self._rest)
            if not count:
                return False
            self._rest = self._rest[count:]
        return True

    # -- elements -----------------------------------------------------------------------------------------------------

    def _start(self, tag):
        records, path, level, code, page = self._records, self._path, self._level + 1, tag & 0x3F, tag >> 8
        above = path[level - 1]
        self._level = level
        if self._in_field and not self._fragment and page == 2:
            self._fragment = level
            records.append(b"\x00\x02")
        if self._fragment:
            return records.append(bytes((code | 0x40,)))
        if page == 1:
            code |= 0x80
        path[level] = code if page < 2 else 0
        if self._in_field or page == 2:
            return
        if above in _WITH_COMMANDS and code == _FINAL:
            self.final = True
        elif above in _WITH_COMMANDS and code not in _NO_COMMANDS:
            records.open(code if code in _COMMANDS else _UNKNOWN, self._containers)
            if code in _CONTAINERS:
                self._containers += 1
                if self._containers > _MAX_NESTING:
                    raise ProtocolError("commands are nested too deep", 413)
        elif code == _ITEM:
            self._in_item = True
            records.open(code, self._containers)
        elif code == _SYNC_HDR:
            records.open(code, 0)
        elif code in _CONTAINERS:
            path[level] = 0  # in a place where it is no command: its end must not count
        elif code in _LEAVES or above == _META and code in _META_LEAVES:
            self._field(code, above)

    def _field(self, code, above):
        """Open a field; a command's field behind its Items goes to a record of its own."""
        records = self._records
        if code == _DATA and above == _ITEM:
            self._sink = self._owner.open_sink(self._arena, self.start)
        if code == _LOC_URI or code == _DATA and above == _CRED:
            code = above
        elif above in _CONTAINERS and records.newest != above:
            return
        if records.newest >= 0:
            if records.newest == _ITEM and not self._in_item:
                records.open(_LATE, self._containers)
            records.open_field(code)
            self._in_field = self._level

    def _end(self):
        records, code = self._records, self._path[self._level]
        self._level -= 1
        if self._fragment:
            records.append(b"\x01")
            if self._level < self._fragment:
                self._fragment = 0
        elif self._in_field:
            if self._level < self._in_field:
                self._in_field = 0
                self._sink = None
                records.close_field(code != _DATA or self._path[self._level] == _CRED)
        elif code in _CONTAINERS:
            self._containers -= 1
        elif code == _ITEM:
            self._in_item = False
        elif code == _SYNC_HDR and records.newest == _SYNC_HDR:
            self._owner.on_header(self._arena, self.start)
            self._arena.fill = self.start
            records.newest = -1
