"""Large objects of the server: which Item is a chunk, of what, and what becomes of it.

Data of a node that streams goes into the tree while it arrives, if its sender is already proven; flash cannot
take a forged chunk back. Otherwise the chunk waits in the arena until its message has proven authentic.
"""

from agent import dm_uri
from agent.compat import const
from agent.errors import ProtocolError

_ALERT = const(0x06)
_ATOMIC = const(0x08)
_DATA = const(0x0F)
_ITEM = const(0x14)
_TARGET = const(0x2E)
_MORE_DATA = const(0x34)
_SIZE = const(0x92)
_LATE = const(0x02)
_REPLACE = const(0x20)
_BIT_STREAM = const(128)
_ACTING = b"\x05\x20\x10\x0d\x11"


def chunks_of(session):
    """Return those of a session; it has none as long as its messages are ordinary ones."""
    if not session.chunks:
        session.chunks = Chunks(session.dm, session.max_object, session.server_id)
    return session.chunks


class Chunks:
    """At most one object is on its way; `dm` has the tree."""

    def __init__(self, dm, max_size, server):
        self._dm, self._max_size = dm, max_size
        self.object = None
        self.server = server
        self._target = self._broken = ""
        self.streamed = -1  # the Item whose Data is in the tree already
        self._code = 0  # what went wrong with it
        self._at = -1  # of a chunk in the arena: how much of it was taken, -1 before it begins

    def begin_message(self):
        """A message begins, perhaps for a second time."""
        self.streamed, self._code, self._at = -1, 0, -1

    def end_message(self):
        """The message was acted on: its chunk is kept. Return the target of one that will never be complete, else ""."""
        if self.object:
            self.object.keep()
        broken, self._broken = self._broken, ""
        return broken

    def drop(self):
        """Give the object up."""
        if self.object:
            self.object.abandon()
            self.object = None

    # -- while the message arrives ------------------------------------------------------------------------------------

    def open_sink(self, arena, start):
        """Return what takes the Data of the newest Item, None where it goes to the arena."""
        item, command = _newest(arena, start)
        if command < 0:
            return None
        try:
            path = dm_uri.parse(arena.text(item, _TARGET))[0]
            if not self._dm.tree.kind(path) & _BIT_STREAM:
                return None
        except ProtocolError:
            return None  # executing the command will tell
        self.streamed = item
        if not _is_alone(arena, start, item):
            self._code = 500
            return self
        try:
            self._begin(arena, command, item, path)
        except ProtocolError as e:
            self._code = e.code
        return self

    def take(self, data):
        """Take some of the bytes; what comes after an error is swallowed."""
        if not self._code:
            try:
                return self.object.take(data)
            except ProtocolError as e:
                self._code = e.code
        return len(data)

    # -- when the message acts ----------------------------------------------------------------------------------------

    def chunk(self, arena, start, record, item, path):
        """Return None for an ordinary Item, a status (0: busy) for a chunk, the object when its last chunk came."""
        more = arena.field(item, _MORE_DATA) is not None
        streams = self._dm.tree.kind(path) & _BIT_STREAM and arena.kind(record) == _REPLACE
        if not more and not streams and not self._is_next(arena, record, item, path):
            self.interrupt()
            return None
        code = self._code if item == self.streamed else self._from_arena(arena, start, record, item, path)
        if code < 0:
            return 0
        if more and not code and self.object.size < 0:
            code = 411
        if code:
            self.drop()
            return code
        if streams:
            self.streamed = item
        return 213 if more else self._finish()

    def _from_arena(self, arena, start, record, item, path):
        """Take the Data that waited; return what went wrong, 0 for nothing, -1 where the flash is busy."""
        data = arena.field(item, _DATA) or b""
        try:
            if self._at < 0:
                if self._dm.tree.kind(path) & _BIT_STREAM and not _is_alone(arena, start, item):
                    return 500
                self._begin(arena, record, item, path)
                self._at = 0
            while self._at < len(data):
                count = self.object.take(data[self._at :])
                if not count:
                    return -1
                self._at += count
        except ProtocolError as e:
            return e.code
        self._at = -1
        return 0

    def _finish(self):
        try:
            code = self.object.finish()
        except ProtocolError as e:
            self.drop()
            return e.code
        if not code:
            return 0
        done, self.object = self.object, None
        return code if done.streams else done

    def streamed_before(self, item):
        """Tell whether another Item of this message went into the tree while it arrived: nothing else may act then."""
        return 0 <= self.streamed < item

    def interrupt(self):
        """Something else came before the last chunk, which is not in this message."""
        if self.object and self.streamed < 0:
            self._break()

    def _break(self):
        if self.object:
            self.drop()
            self._broken = self._target

    def _is_next(self, arena, record, item, path):
        """Tell whether the Item goes on with the object that is on its way."""
        held = self.object
        if not held or held.path != path or held.op != arena.kind(record):
            return False
        size = arena.number(item, _SIZE)
        return size < 0 or size == held.size

    def _begin(self, arena, record, item, path):
        if self._is_next(arena, record, item, path):
            self.object.begin_chunk()
            return
        self._break()
        from agent.dm_object import LargeObject
        from agent.dm_value import value_of

        size = arena.number(item, _SIZE)
        if size < 0:
            size = arena.number(record, _SIZE)
        value = value_of(arena, item, record, self.server)
        self._target = arena.text(item, _TARGET)
        self.object = LargeObject(self._dm.tree, arena.kind(record), path, value, size, self._max_size)


def _newest(arena, start):
    """Return the newest Item and its command, -1 where nothing can stream into it."""
    at, item, command = start, -1, -1
    while at < arena.fill:
        if arena.kind(at) == _ITEM:
            item = at
        elif arena.kind(at) != _LATE:
            command, item = at, -1
        at = arena.next(at)
    return item, command if item >= 0 and command >= 0 and arena.kind(command) == _REPLACE else -1


def _is_alone(arena, start, item):
    """Tell whether nothing else acts before the Item, nobody is asked, and no Atomic is around."""
    at, acting = start, 0
    while at <= item:
        kind = arena.kind(at)
        if kind == _ATOMIC or kind == _ALERT and arena.text(at, _DATA)[:2] == "11":
            return False
        if kind in _ACTING:
            acting += 1
        elif kind == _ITEM and at < item and acting:
            return False  # another Item of an acting command
        at = arena.next(at)
    return acting <= 1
