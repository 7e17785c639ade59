"""Renders one outgoing message as a pure function of a frozen context, as often as it takes: to count, to hash, to send.

What is to be said is a sequence of entries: a Status for each thing that came, Results behind the Status of their Get, then
our own commands. A message takes as many entries as the peer's MaxMsgSize lets it; `sent` and `offset` say where it begins.
An entry that is too large for a message of its own is a Results whose Data goes in chunks. Knows no encoding.
"""

from agent.compat import const
from agent.dm_parts import Parts
from agent.errors import ProtocolError

_FINAL = const(0x12)
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
        yield from self._drain(self._head())
        if session.peer_message:
            yield from self._drain(self._header_status())
        for make, arguments, _ in session.urgent(self):
            yield from self._drain(make(*arguments))
        yield from self._entries()
        if self.complete:
            if session.peer_final:
                writer.empty(_FINAL)
            else:
                yield from self._drain(self.alert("1222"))
        writer.end()
        writer.end()
        yield

    def _entries(self):
        number, offset = 0, self.begin[1]
        for make, arguments, divisible in self._session.entries(self):
            if number >= self.begin[0]:
                if divisible:
                    arguments += (offset, -1)
                if self._room() < self._measure(make(*arguments)):
                    if divisible:
                        yield from self._chunk(number, make, arguments, offset)
                    elif number == self.begin[0]:
                        raise ProtocolError("the server takes messages that are too small to say anything", 413)
                    return
                yield from self._drain(make(*arguments))
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
        source = arguments[2]
        room = self._room() - self._measure(make(*arguments[:-1], 0))
        size = room // 4 * 3 if self._writer.data_size(3, source.binary) == 4 else room
        size = min(size, source.size - offset)  # escapes may make a rest too large that is shorter than the room
        while size >= _LEAST_CHUNK:
            size = source.cut(offset, size)
            if self._measure(make(*arguments[:-1], size)) <= self._room():
                yield from self._drain(make(*arguments[:-1], size))
                self.end = (number, offset + size)
                return
            size = size * 3 // 4
        if number == self.begin[0] and offset == self.begin[1]:
            raise ProtocolError("the server takes messages that are too small to say anything", 413)

    def _measure(self, parts):
        writer, number = self._writer, self._id
        out, state = writer.out, writer.state()
        writer.out = Counter()
        for _ in parts:
            pass
        size = writer.out.size
        writer.out, self._id = out, number
        writer.restore(state)
        del self.ids[self._known(number) :]
        return size

    def _known(self, number):
        count = len(self.ids)
        while count and self.ids[count - 1][0] > number:
            count -= 1
        return count

    def _drain(self, parts):
        out = self._writer.out
        for _ in parts:
            if out.size > _FULL:
                self._flushed += out.size
                yield
