"""Renders one outgoing message as a pure function of a frozen context, as often as it takes: to count, to hash, to send.

What is to be said is a sequence of entries: a Status for each thing that came, Results behind the Status of their Get, then
our own commands. A message takes as many entries as the peer's MaxMsgSize lets it; `sent` and `offset` say where it begins.
An entry that is too large for a message of its own is a Results whose Data goes in chunks. Knows no encoding.
"""

from agent.compat import const
from agent.dm_parts import Parts, Piece
from agent.dm_sources import BytesSource
from agent.errors import ProtocolError

_FINAL = const(0x12)
_SYNC_BODY = const(0x2B)
_SYNC_ML = const(0x2D)
_PIECE = const(96)
_TAIL = const(64)  # what may still follow an entry: a 1222, Final, the ends
_LEAST_CHUNK = const(64)
_FULL = const(256)  # the buffer is handed on when it holds more


class Counter:
    """Stands in for an Out where only the size matters."""

    def __init__(self):
        self.size = 0

    def put(self, data):
        """Count."""
        self.size += len(data)


class Answer(Parts):
    """One message: begins at entry `sent`, byte `offset` of its Data; after rendering `end` and `complete` are known."""

    def __init__(self, session, writer, limit, begin):
        super().__init__(session, writer)
        self._limit = limit
        self.server_id, self.tnds_writer, self.content_type = session.server_id, type(writer), writer.content_type
        self.begin = self.end = begin
        self.complete = False
        self.ids = []  # (CmdID, the session's own command) of what expects a Status
        self._flushed = 0

    def pieces(self):
        """Yield whenever the writer's `out` should be sent and cleared, and once at the end."""
        self.end, self.complete, self.ids, self._flushed, self._id = self.begin, False, [], 0, 0
        session, writer = self._session, self._writer
        writer.begin()
        writer.start(_SYNC_ML)
        yield from self._write(self._head())
        writer.start(_SYNC_BODY)
        if session.peer_message:
            yield from self._write(self._header_status())
        for make, arguments, _ in session.urgent(self):
            yield from self._write(make(*arguments))
        yield from self._entries()
        if self.complete:
            if session.peer_final:
                writer.empty(_FINAL)
            else:
                yield from self._write(self.alert("1222"))
        writer.end()
        writer.end()
        yield

    def _entries(self):
        number, offset = 0, self.begin[1]
        for make, arguments, extra in self._session.entries(self):
            if number >= self.begin[0]:
                divisible = extra is True
                if divisible:
                    arguments += (offset, -1)
                node = make(*arguments)
                if self._room() < self._measure(node):
                    if divisible:
                        yield from self._chunk(number, make, arguments, offset)
                    elif number == self.begin[0]:
                        raise ProtocolError("the server takes messages that are too small to say anything", 413)
                    return
                if not divisible and extra is not False:
                    self.ids.append((self._id, extra))
                yield from self._write(node)
                offset = 0
                self.end = (number + 1, 0)
            number += 1
        self.complete = True

    def fits(self, entries):
        """Tell whether the entries would fit into one message with nothing else."""
        size = self._measure(self._head()) + self._measure(self._header_status()) + 2 * _TAIL
        for make, arguments, _ in entries:
            size += self._measure(make(*arguments)) + 2
        return size <= self._limit

    def _room(self):
        return self._limit - self._flushed - self._writer.out.size - _TAIL

    def _chunk(self, number, make, arguments, offset):
        """Send as much of the Data as there is room for, if that is worth it."""
        source, self._id = arguments[2], self._id - 1
        room = self._room() - self._measure(make(*arguments[:-1], 0))
        size = room // 4 * 3 if self._writer.data_size(3, source.binary) == 4 else room
        size = min(size, source.size - offset)  # escapes may make a rest too large that is shorter than the room
        while size >= _LEAST_CHUNK:
            self._id -= 1
            size = source.cut(offset, size)
            node = make(*arguments[:-1], size)
            if self._measure(node) <= self._room():
                yield from self._write(node)
                self.end = (number, offset + size)
                return
            size = size * 3 // 4
        if number == self.begin[0] and offset == self.begin[1]:
            raise ProtocolError("the server takes messages that are too small to say anything", 413)

    def _measure(self, node):
        writer = self._writer
        out, state, flushed = writer.out, writer.state(), self._flushed
        writer.out = Counter()
        for _ in self._write(node):
            pass
        size, writer.out, self._flushed = writer.out.size, out, flushed
        writer.restore(state)
        return size

    def _write(self, node):
        tag, content = node
        writer = self._writer
        if isinstance(content, tuple):
            content = [child for child in content if child[1] is not None]
            if content:
                writer.start(tag)
                for child in content:
                    yield from self._write(child)
                writer.end()
        elif isinstance(content, Piece):
            yield from self._data(tag, content.source, content.offset, content.size)
        elif content is not None:
            yield from self._text(tag, content.encode() if isinstance(content, str) else content)
        if writer.out.size > _FULL:
            self._flushed += writer.out.size
            yield

    def _text(self, tag, data):
        if len(data) <= _PIECE:
            self._writer.leaf(tag, data)
        else:
            yield from self._data(tag, BytesSource(data), 0, len(data))

    def _data(self, tag, source, offset, size):
        """Write a leaf in pieces: escapes may make them six times as long."""
        writer, piece = self._writer, memoryview(self._session.dm.piece)
        writer.start(tag)
        if size:
            writer.begin_data(size, source.binary)
            while size > 0:
                count = source.read(offset, piece[: min(size, _PIECE)])
                writer.data(piece[:count])
                offset, size = offset + count, size - count
                if writer.out.size > _FULL:
                    self._flushed += writer.out.size
                    yield
            writer.end_data()
        writer.end()
