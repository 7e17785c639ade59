"""Renders one outgoing message as a pure function of a frozen context, as often as it takes: to count, to hash, to send.

What is to be said is a sequence of entries (see dm_entries): a message takes as many as the peer's MaxMsgSize lets it. An
entry that is too large for a message of its own is a Results whose Data goes in chunks. Knows the elements and their order,
not the encoding: a part is a tree of (tag, content). Content is text, a tuple of such pairs, or a list: the source of long
Data, offset, size. Where there is none (None, "", False, a tuple of nothing else) the element is left out; where it is to be
there and empty, its content is b"".
"""

from agent.compat import const
from agent.dm_auth import BASIC, TYPES, b64, basic, digest
from agent.dm_entries import answers, entries
from agent.dm_sources import BytesSource
from agent.errors import ProtocolError
from agent.late import late

_ALERT = const(0x06)
_CHAL = const(0x09)
_CMD = const(0x0A)
_CMD_ID = const(0x0B)
_CMD_REF = const(0x0C)
_CRED = const(0x0E)
_DATA = const(0x0F)
_FINAL = const(0x12)
_ITEM = const(0x14)
_LOC_NAME = const(0x16)
_LOC_URI = const(0x17)
_META = const(0x1A)
_MSG_ID = const(0x1B)
_MSG_REF = const(0x1C)
_REPLACE = const(0x20)
_RESULTS = const(0x22)
_SESSION_ID = const(0x25)
_SOURCE = const(0x27)
_SOURCE_REF = const(0x28)
_STATUS = const(0x29)
_SYNC_BODY = const(0x2B)
_SYNC_HDR = const(0x2C)
_SYNC_ML = const(0x2D)
_TARGET = const(0x2E)
_TARGET_REF = const(0x2F)
_VER_DTD = const(0x31)
_VER_PROTO = const(0x32)
_MORE_DATA = const(0x34)
_CORRELATOR = const(0x3C)
_FORMAT = const(0x107)
_MARK = const(0x10B)
_MAX_MSG_SIZE = const(0x10C)
_NEXT_NONCE = const(0x110)
_SIZE = const(0x112)
_TYPE = const(0x113)
_MAX_OBJ_SIZE = const(0x115)
_DEVINFO = "DevId Man Mod DmV Lang"
_PIECE = const(96)
TAIL = const(64)  # what may still follow an entry: a 1222, Final, the ends
_FULL = const(256)  # the buffer is handed on when it holds more


class Answer:
    """One message: begins at the session's `position` (an entry, an offset in its Data) and ends at `end`."""

    def __init__(self, session, writer):
        self.session, self.writer = session, writer
        self._piece = memoryview(bytearray(_PIECE))
        self._id = self._flushed = 0

    def __getattr__(self, name):  # what is wanted where a message is nearly full
        from agent.dm_answer_limits import Limits

        return late(Limits, self, name)

    def pieces(self):
        """Yield whenever the writer's `out` should be sent and cleared, and once at the end."""
        session, writer = self.session, self.writer
        self._id = self._flushed = 0
        self.end, self.complete = session.position, False
        self.ids = {}  # (MsgID, CmdID) of what expects a Status: the session's own command
        writer.begin()
        writer.start(_SYNC_ML)
        yield from self._write(self._head())
        writer.start(_SYNC_BODY)
        if session.peer_message:
            yield from self._write(self._header_status())
        late = session.late
        if late:  # goes first whatever else waits
            for make, arguments, _ in answers(late, self, late.start, late.end):
                yield from self._write(make(*arguments))
        yield from self._entries()
        if self.complete:
            yield from self._write((_FINAL, b"") if session.peer_final else self.alert("1222"))
        writer.end()
        writer.end()
        yield

    def _entries(self):
        session = self.session
        begin, offset = session.position
        for number, (make, arguments, extra) in enumerate(entries(session, self)):
            if number < begin:
                continue
            divisible = extra is True
            if divisible:
                arguments += (offset,)
            node = make(*arguments)
            if self._room() < self._measure(node):
                if divisible:
                    yield from self._chunk(number, make, arguments)
                if self.end == session.position:
                    raise ProtocolError("the server's messages are too small", 413)
                return
            if extra and not divisible:
                self.ids[str(session.message), str(self._id)] = extra
            yield from self._write(node)
            offset = 0
            self.end = number + 1, 0
        self.complete = True

    def _room(self):
        return self.session.peer_limit - self._flushed - self.writer.out.size - TAIL

    # -- writing ------------------------------------------------------------------------------------------------------

    def put(self, data):
        """Count: while only the size matters, this stands in for the Out."""
        self.size += len(data)

    def _measure(self, node):
        writer, flushed = self.writer, self._flushed
        self.writer, self.size = type(writer)(self), 0
        for _ in self._write(node):
            pass
        self.writer, self._flushed = writer, flushed
        return self.size

    def _write(self, node):
        tag, content = node
        writer = self.writer
        if isinstance(content, str):
            content = content.encode()
        if isinstance(content, tuple):
            content = [child for child in content if child[1] or isinstance(child[1], bytes)]
            if content:
                writer.start(tag)
                for node in content:
                    yield from self._write(node)
                writer.end()
        elif isinstance(content, list):
            yield from self._data(tag, *content)
        elif len(content) <= _PIECE:
            writer.leaf(tag, content)
        else:
            yield from self._data(tag, BytesSource(content), 0, len(content))
        yield from self._flush()

    def _data(self, tag, source, offset, size):
        """Write a leaf in pieces: escapes may make them six times as long."""
        writer, piece = self.writer, self._piece
        writer.start(tag)
        if size:
            writer.begin_data(size, source.binary)
            while size > 0:
                count = source.read(offset, piece[: min(size, _PIECE)])
                writer.data(piece[:count])
                offset, size = offset + count, size - count
                yield from self._flush()
            writer.end_data()
        writer.end()

    def _flush(self):
        size = self.writer.out.size
        if size > _FULL:
            self._flushed += size
            yield

    # -- the parts ----------------------------------------------------------------------------------------------------

    def _head(self):
        session = self.session
        guard, client = session.guard, session.account.client
        cred = None
        if not (guard.silent or guard.accepted or guard.signs):
            secret = client.secret
            cred = basic(client.user, secret) if guard.kind == BASIC else b64(digest(client.user, secret, guard.nonce))
        limits = None  # said once, in package 1
        if session.own and session.own[0] is session.opening:
            limits = ((_MAX_MSG_SIZE, str(session.max_message)), (_MAX_OBJ_SIZE, str(session.max_object)))
        return (
            _SYNC_HDR,
            (
                (_VER_DTD, "1.2"),
                (_VER_PROTO, "DM/1.2"),
                (_SESSION_ID, session.session_id),
                (_MSG_ID, str(session.message)),
                _place(_TARGET, session.url),
                _place(_SOURCE, session.dm.device_id, cred and guard.kind != BASIC and client.user),
                (_CRED, cred and (_meta("b64", TYPES[guard.kind]), (_DATA, cred))),
                (_META, limits),
            ),
        )

    def _header_status(self):
        session = self.session
        code, references = session.header_status, (session.peer_message, "0")
        data = ("1.2",) if code == 505 else ("DM/1.2",) if code == 513 else ()
        return self.status(references, "SyncHdr", code, None, None, data, session.challenge)

    def status(self, references, command, code, target=None, source=None, data=(), challenge=None):
        """Answer one command or one of its Items."""
        parts = (
            (_CMD, command),
            (_TARGET_REF, target),
            (_SOURCE_REF, source),
            (_CHAL, challenge and (_meta("b64", challenge[0], None, None, challenge[1]),)),
            (_DATA, str(code)),
        )
        for text in data:
            parts += ((_ITEM, ((_DATA, text.encode()),)),)
        return self._reply(_STATUS, references, parts)

    def results(self, references, uri, source, offset, size=-1):
        """Answer a Get; `size` bytes from `offset` on, -1 for the rest."""
        writer, more, announced = self.writer, None, None
        if size < 0:
            size = source.size - offset
        else:
            more = b""
            if not offset:
                announced = str(writer.data_size(source.size, source.binary))
        item = (
            _place(_SOURCE, uri),
            _meta(writer.binary_format if source.binary else source.form, source.kind, None, announced),
            (_DATA, [source, offset, size]),
            (_MORE_DATA, more),
        )
        return self._reply(_RESULTS, references, ((_ITEM, item),))

    def alert(self, code, item=None, correlator=None):
        """Send an Alert; `item` is (source, target, type, format, mark, data), None where there is none."""
        if item:
            source, target, kind, form, mark, data = item
            data = None if data is None else data.encode()
            item = (_place(_TARGET, target), _place(_SOURCE, source), _meta(form, kind, mark), (_DATA, data))
        return self._command(_ALERT, ((_DATA, code), (_CORRELATOR, correlator), (_ITEM, item)))

    def devinfo(self):
        """Send the five leaves that begin every session."""
        tree, items = self.session.dm.tree, ()
        for name in _DEVINFO.split():
            path = "DevInfo/" + name
            items += ((_ITEM, (_place(_SOURCE, "./" + path), (_DATA, bytes(tree.value(path))))),)
        return self._command(_REPLACE, items)

    def _reply(self, tag, references, parts):
        return self._command(tag, ((_MSG_REF, references[0]), (_CMD_REF, references[1])) + parts)

    def _command(self, tag, parts):
        self._id += 1
        return tag, ((_CMD_ID, str(self._id)),) + parts


def _place(tag, uri, name=None):
    return tag, ((_LOC_URI, uri), (_LOC_NAME, name))


def _meta(form, kind, mark=None, size=None, nonce=None):
    return _META, ((_FORMAT, form), (_TYPE, kind), (_MARK, mark), (_SIZE, size), (_NEXT_NONCE, nonce))
