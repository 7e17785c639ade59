"""The parts of an outgoing message: generators that yield so often that the writer's buffer never holds too much.

Know the elements and their order, not what is to be said nor in which encoding.
"""

from agent.compat import const

_ALERT = const(0x06)
_CHAL = const(0x09)
_CMD = const(0x0A)
_CMD_ID = const(0x0B)
_CMD_REF = const(0x0C)
_CRED = const(0x0E)
_DATA = const(0x0F)
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
_PIECE = const(96)


class Parts:
    """Each method writes one part; `_id` is the last CmdID."""

    def __init__(self, session, writer):
        self._session, self._writer = session, writer
        self._id = 0

    def _head(self):
        session, writer = self._session, self._writer
        writer.start(_SYNC_ML)
        writer.start(_SYNC_HDR)
        writer.leaf(_VER_DTD, "1.2")
        writer.leaf(_VER_PROTO, "DM/1.2")
        writer.leaf(_SESSION_ID, session.session_id)
        writer.leaf(_MSG_ID, str(session.message))
        yield from self._uri(_TARGET, session.url)
        yield
        yield from self._uri(_SOURCE, session.dm.device_id, session.user)
        yield
        if session.cred:
            writer.start(_CRED)
            self._meta("b64", session.cred[0])
            writer.leaf(_DATA, session.cred[1])
            writer.end()
        writer.start(_META)
        writer.leaf(_MAX_MSG_SIZE, str(session.max_message))
        writer.leaf(_MAX_OBJ_SIZE, str(session.dm.max_object))
        writer.end()
        writer.end()
        writer.start(_SYNC_BODY)

    def _header_status(self):
        session = self._session
        versions = {505: ("1.2",), 513: ("DM/1.2",)}.get(session.header_status, ())
        return self.status(
            session.peer_message,
            "0",
            "SyncHdr",
            session.header_status,
            session.dm.device_id,
            session.peer_source,
            versions,
            True,
        )

    def status(self, message, reference, command, code, target, source, data=(), challenge=False):
        """Answer one command or one of its Items."""
        writer = self._writer
        self._open(_STATUS)
        writer.leaf(_MSG_REF, message)
        writer.leaf(_CMD_REF, reference)
        writer.leaf(_CMD, command)
        for tag, text in ((_TARGET_REF, target), (_SOURCE_REF, source)):
            if text:
                yield from self._long(tag, text)
        if challenge and self._session.challenge:
            writer.start(_CHAL)
            self._meta("b64", self._session.challenge[0], self._session.challenge[1])
            writer.end()
        writer.leaf(_DATA, str(code))
        for text in data:
            writer.start(_ITEM)
            yield from self._long(_DATA, text)
            writer.end()
        writer.end()
        yield

    def results(self, references, uri, source, offset, size):
        """Answer a Get; `size` bytes from `offset` on, -1 for the rest."""
        writer = self._writer
        more = size >= 0
        rest = source.size - offset
        self._open(_RESULTS)
        writer.leaf(_MSG_REF, references[0])
        writer.leaf(_CMD_REF, references[1])
        writer.start(_ITEM)
        yield from self._uri(_SOURCE, uri)
        announced = writer.data_size(source.size, source.binary) if more and not offset else 0
        self._meta(writer.binary_format if source.binary else source.form, source.kind, None, announced)
        yield
        yield from self._data(source, offset, size if more else rest)
        if more:
            writer.empty(_MORE_DATA)
        writer.end()
        writer.end()
        yield

    def _data(self, source, offset, size):
        writer, piece = self._writer, memoryview(self._session.dm.piece)
        writer.start(_DATA)
        if size:
            writer.begin_data(size, source.binary)
            while size > 0:
                count = source.read(offset, piece[: min(size, _PIECE)])
                writer.data(piece[:count])
                offset, size = offset + count, size - count
                yield
            writer.end_data()
        writer.end()

    def alert(self, code, item=None, correlator=None):
        """Send an Alert; `item` is (source, target, type, format, mark, data), None where there is none."""
        writer = self._writer
        self._open(_ALERT)
        writer.leaf(_DATA, code)
        if correlator:
            yield from self._long(_CORRELATOR, correlator)
        if item:
            source, target, kind, form, mark, data = item
            writer.start(_ITEM)
            for tag, uri in ((_TARGET, target), (_SOURCE, source)):
                if uri:
                    yield from self._uri(tag, uri)
                    yield
            self._meta(form, kind, None, 0, mark)
            if data is not None:
                yield from self._long(_DATA, data)
            writer.end()
        writer.end()
        yield

    def devinfo(self):
        """Send the five leaves that begin every session."""
        writer = self._writer
        self._open(_REPLACE)
        for uri, value in self._session.dm.devinfo:
            writer.start(_ITEM)
            yield from self._uri(_SOURCE, uri)
            yield from self._long(_DATA, value)
            writer.end()
            yield
        writer.end()

    def own(self, thing):
        """Remember under which CmdID one of the session's own commands goes, then send it."""
        self.ids.append((self._id + 1, thing))
        yield from self._session.render(self, thing)

    def _open(self, tag):
        self._id += 1
        self._writer.start(tag)
        self._writer.leaf(_CMD_ID, str(self._id))

    def _uri(self, tag, uri, name=""):
        self._writer.start(tag)
        yield from self._long(_LOC_URI, uri)
        if name:
            yield from self._long(_LOC_NAME, name)
        self._writer.end()

    def _long(self, tag, text):
        """Write a leaf whose text may become six times as long by escapes."""
        writer = self._writer
        data = text.encode() if isinstance(text, str) else text
        if len(data) <= _PIECE:
            writer.leaf(tag, data)
            return
        writer.start(tag)
        writer.begin_data(len(data), False)
        view = memoryview(data)
        for at in range(0, len(data), _PIECE):
            writer.data(view[at : at + _PIECE])
            yield
        writer.end_data()
        writer.end()

    def _meta(self, form, kind, nonce=None, size=0, mark=None):
        writer = self._writer
        if not (form or kind or mark or size or nonce):
            return
        writer.start(_META)
        for tag, text in (
            (_FORMAT, form),
            (_TYPE, kind),
            (_MARK, mark),
            (_SIZE, str(size) if size else None),
            (_NEXT_NONCE, nonce),
        ):
            if text:
                writer.leaf(tag, text)
        writer.end()
