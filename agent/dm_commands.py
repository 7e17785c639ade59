"""Executes a message that is complete and authentic, one command a step, and leaves a status in every record.

The records are those of dm_incoming. What is rare is imported when it comes: containers, changes of the tree, queries.
"""

from agent import dm_uri
from agent.compat import const
from agent.errors import FlashError, ProtocolError

_ALERT = const(0x06)
_EXEC = const(0x11)
_GET = const(0x13)
_UNKNOWN = const(0x01)
_KEPT = const(0x03)
_DATA = const(0x0F)
_CMD_ID = const(0x0B)
_TARGET = const(0x2E)
_ACTING = b"\x05\x20\x10\x0d\x11"
_NO_COMMANDS = b"\x14\x29\x22\x02"  # Item, Status, Results, late fields
_BIT_GET = const(16)
_BIT_STREAM = const(128)
_MORE_DATA = const(0x34)
_REPLACE = const(0x20)
_NODE = const(1)
_BIN = const(5)
_SKIPPED = const(215)


class Commands:
    """Runs the records from `start` on; `owner` has the server's id, the large object, the user and the alerts."""

    def __init__(self, arena, tree, owner, start):
        self.arena, self.tree, self.owner = arena, tree, owner
        self._at, self._start, self.end = start, start, arena.fill
        self._item_at = -1  # the Item that keeps its command waiting
        self.open = []  # [record, skipping] of the containers around
        self.snapshot = None
        self.all_skipped = False  # the user cancelled
        self.refused = owner.refusal  # the status of everything in a message that may not act
        self._changed = False

    def step(self):
        """Execute one command; tell whether there is more to do. The user or the flash may keep it waiting."""
        arena = self.arena
        while self._at < self.end and arena.kind(self._at) in _NO_COMMANDS:
            self._at = arena.next(self._at)
        if self._at >= self.end:
            self._commit()
            return False
        while len(self.open) > arena.depth(self._at):
            self.open.pop()
        if self._run(self._at, arena.kind(self._at)):
            self._at = arena.next(self._at)
        return True

    def skipping(self):
        """Tell whether a container around says that its children are not run."""
        for _, skip in self.open:
            if skip:
                return True
        return self.all_skipped

    def atomic(self):
        """Return the Atomic around, -1 where there is none."""
        for record, _ in self.open:
            if self.arena.kind(record) == 0x08:
                return record
        return -1

    # -- one command --------------------------------------------------------------------------------------------------

    def _run(self, record, kind):
        """Return False where it must be called again."""
        if kind in (0x08, 0x24):
            from agent.dm_containers import begin

            begin(self, record)
        elif kind == _ALERT:
            try:
                code = _SKIPPED if self.skipping() and not self.refused else self.owner.on_alert(self, record)
            except ProtocolError as e:
                code = e.code
            if not code:
                return False
            self._done(record, code)
        else:
            items = self.arena.items(record, self.end)
            if not items:
                self._done(record, self._status(record, record, kind))
            for item in items:
                if item < self._item_at:
                    continue
                code = self._status(record, item, kind)
                self._item_at = -1 if code else item
                if not code:
                    return False
                self._done(item, code)
        return True

    def _done(self, record, code):
        self.arena.set_status(record, code)
        if self.open or code == 214:
            from agent.dm_containers import done

            done(self, record, code)

    def _status(self, record, item, kind):
        """Return the status of one Item, 0 where the flash is still busy."""
        if self.refused or self.skipping():
            return self.refused or _SKIPPED
        if 413 in (self.arena.status(item), self.arena.status(record)):
            return 413
        if kind == _UNKNOWN:
            return 501
        if item == record or not self.arena.field(record, _CMD_ID):
            return 400
        if self.atomic() >= 0 and kind in (_GET, _EXEC):
            return 500 if kind == _GET else 405
        try:
            return self._item(record, item, kind)
        except ProtocolError as e:
            return e.code

    def _item(self, record, item, kind):
        arena, tree, chunks = self.arena, self.tree, self.owner.chunks
        path, query, argument = dm_uri.parse(arena.text(item, _TARGET))
        server = self.owner.server_id
        if kind == _GET:
            if chunks:
                chunks.interrupt()
            if query:
                from agent.dm_property import check_query

                return check_query(tree, path, query, argument, server)
            return self._get(record, item, path)
        if chunks and chunks.streamed_before(item):
            return 500
        self._changed = True
        if query:
            from agent.dm_edit_nodes import change_property

            if chunks:
                chunks.interrupt()
            return change_property(tree, kind, path, query, argument, arena.text(item, _DATA), server)
        chunk = None
        if chunks or arena.field(item, _MORE_DATA) is not None or kind == _REPLACE and tree.kind(path) & _BIT_STREAM:
            from agent.dm_chunks import chunks_of

            chunk = chunks_of(self.owner).chunk(arena, self._start, record, item, path)
        if isinstance(chunk, int):
            return chunk
        from agent.dm_edit import edit

        return edit(tree, arena, record, item, path, server, chunk)

    def _get(self, record, item, path):
        form = self.tree.may(_BIT_GET, path, self.owner.server_id) >> 8 & 15
        if form != _NODE:
            size = self.tree.size(path)
            if form == _BIN and not self.owner.dm.wbxml:
                size = (size + 2) // 3 * 4
            if size > self.owner.peer_object_limit:
                raise ProtocolError("larger than the server's objects", 413)
            if self._acts_later(record):
                self._keep(item, self.tree.value(path))
        return 200

    def _keep(self, item, value):
        """Write a record with a value that a later command may change; dm_entries looks for it."""
        from agent.dm_recorder import Recorder

        arena, records = self.arena, Recorder(self.arena)
        record = records.open(_KEPT, 0)
        records.open_field(_DATA)
        records.append(value)
        records.close_field(False)
        if arena.status(record):
            arena.fill = record
            raise ProtocolError("the value cannot be kept", 413)
        arena.set_status(record, item)

    def _acts_later(self, record):
        at = self.arena.next(record)
        while at < self.end:
            if self.arena.kind(at) in _ACTING:
                return True
            at = self.arena.next(at)
        return False

    def _commit(self):
        if self._changed:
            from agent.dm_commit import commit

            try:
                commit(self.tree)
            except FlashError:
                from agent.dm_containers import not_stored

                not_stored(self, self._start)
