"""Executes a message that is complete and authentic, one command a step, and leaves a status in every record.

The records are those of dm_incoming. A container is open while records lie deeper than it; what its state says is done
to each of its children: run, or skip (215). An Atomic that fails is rolled back before anything else happens.
"""

from agent import dm_uri
from agent.compat import const
from agent.dm_object import value_of
from agent.dm_tree import refuse
from agent.errors import FlashError, ProtocolError

_ADD = const(0x05)
_ALERT = const(0x06)
_ATOMIC = const(0x08)
_COPY = const(0x0D)
_DELETE = const(0x10)
_EXEC = const(0x11)
_GET = const(0x13)
_ITEM = const(0x14)
_REPLACE = const(0x20)
_RESULTS = const(0x22)
_SEQUENCE = const(0x24)
_STATUS = const(0x29)
_LATE = const(0x02)
_KEPT = const(0x03)
_DATA = const(0x0F)
_CMD_ID = const(0x0B)
_SOURCE = const(0x27)
_TARGET = const(0x2E)
_CORRELATOR = const(0x3C)
_TYPE = const(0x93)
_ACTING = b"\x05\x20\x10\x0d\x11"
_BIT_GET = const(16)
_BIT_STREAM = const(128)
_SKIPPED = const(215)
_CANCELLED = const(214)
_REJECTED = const(304)
_ROLLED_BACK = const(216)
_TNDS = "application/vnd.syncml.dmtnds"


class Commands:
    """Runs the records from `start` to `end`; `owner` has the server's id, the large object, the user and the alerts."""

    def __init__(self, arena, tree, owner, start):
        self._arena, self._tree, self._owner = arena, tree, owner
        self._at, self._start, self._end = start, start, arena.fill
        self.end = arena.fill  # the kept values behind it included
        self._open = []  # [record, skipping] of the containers around
        self._snapshot = None
        self._all_skipped = False  # the user cancelled
        self._refused = owner.refusal  # the status of everything in a message that may not act
        self._item_at = -1  # the Item that keeps its command waiting
        self.changed = False

    def step(self):
        """Execute one command; tell whether there is more to do. The user or the flash may keep it waiting."""
        while self._at < self._end and self._arena.kind(self._at) in (_ITEM, _STATUS, _RESULTS, _LATE):
            self._at = self._arena.next(self._at)
        self._close(self._arena.depth(self._at) if self._at < self._end else 0)
        if self._at >= self._end:
            self._commit()
            return False
        if self._run(self._at):
            self._at = self._arena.next(self._at)
        return True

    # -- containers ---------------------------------------------------------------------------------------------------

    def _close(self, depth):
        """Leave the containers that end before a record of this depth."""
        while len(self._open) > depth:
            record = self._open.pop()[0]
            if self._arena.kind(record) == _ATOMIC and self._snapshot is not None and not self._in_atomic():
                self._snapshot = None

    def _in_atomic(self):
        for record, _ in self._open:
            if self._arena.kind(record) == _ATOMIC:
                return True
        return False

    def _skipping(self):
        for _, skipping in self._open:
            if skipping:
                return True
        return self._all_skipped

    def _begin(self, record):
        """Open a container."""
        code = self._refused or 200
        if self._arena.kind(record) == _ATOMIC and code == 200 and not self._skipping():
            if self._in_atomic():
                code = 500
                self._arena.set_status(record, code)
                self._fail_atomic(record)
            elif self._owner.too_large(record, self._after(record)):
                code = 517
            else:
                self._snapshot = self._tree.snapshot()
        self._open.append([record, self._skipping() or code != 200])
        if not self._arena.status(record):
            self._arena.set_status(record, _SKIPPED if self._skipping() and code == 200 else code)

    def _after(self, record):
        """Return the offset behind the container's children."""
        depth, at = self._arena.depth(record), self._arena.next(record)
        while at < self._end and self._arena.depth(at) > depth:
            at = self._arena.next(at)
        return at

    def _fail_atomic(self, culprit):
        """Roll back; what was done says so, what was not is skipped, the culprit keeps its status."""
        good = self._tree.roll_back(self._snapshot)
        depth = 0
        for entry in self._open:
            if self._arena.kind(entry[0]) == _ATOMIC:
                depth = self._arena.depth(entry[0])
                self._arena.set_status(entry[0], 507)
                entry[1] = True
                at = self._arena.next(entry[0])
                break
        while at < self._end and self._arena.depth(at) > depth:
            code = self._arena.status(at)
            if at < culprit and 200 <= code < 300 and code != _SKIPPED:
                self._arena.set_status(at, _ROLLED_BACK if good else 516)
            at = self._arena.next(at)

    # -- one command --------------------------------------------------------------------------------------------------

    def _run(self, record):
        """Return False where it must be called again."""
        kind = self._arena.kind(record)
        if kind in (_SEQUENCE, _ATOMIC):
            self._begin(record)
            return True
        if kind == _ALERT:
            return self._alert(record)
        at = self._item_at if self._item_at >= 0 else self._first_item(record)
        if at < 0:
            self._done(record, self._status(record, record))
        while at >= 0:
            code = self._status(record, at)
            self._item_at = -1 if code else at
            if not code:
                return False
            self._done(at, code)
            at = self._next_item(at)
        return True

    def _first_item(self, record):
        return self._next_item(record)

    def _next_item(self, at):
        at = self._arena.next(at)
        if at < self._end and self._arena.kind(at) in (_ITEM, _LATE):
            return at if self._arena.kind(at) == _ITEM else self._next_item(at)
        return -1

    def _status(self, record, item):
        """Return the status of one Item, 0 where the flash is still busy."""
        if self._refused:
            return self._refused
        if self._skipping():
            return _SKIPPED
        for at in (item, record):
            if self._arena.status(at) == 413:
                return 413
        if not self._arena.field(record, _CMD_ID) or item == record:
            return 400 if self._arena.kind(record) != 0x01 else 501
        try:
            return self._item(record, item)
        except ProtocolError as e:
            return e.code

    def _done(self, item, code):
        self._arena.set_status(item, code)
        if code >= 300 and self._in_atomic() and not self._skipping():
            self._fail_atomic(item)

    def _item(self, record, item):
        arena, kind = self._arena, self._arena.kind(record)
        if self._in_atomic() and kind in (_GET, _EXEC):
            return 500 if kind == _GET else 405
        if kind not in _ACTING and kind != _GET:
            return 406 if kind != 0x01 else 501
        path, query, argument = dm_uri.parse(arena.text(item, _TARGET))
        if kind == _GET:
            return self._get(record, item, path, query, argument)
        if self._owner.chunks.streamed_before(item):
            return 500
        self.changed = True
        if query:
            self._owner.chunks.interrupt()
            from agent.dm_queries import change_property

            return change_property(self._tree, kind, path, query, argument, arena.text(item, _DATA), self._server())
        return self._act(record, item, kind, path)

    def _server(self):
        return self._owner.server_id

    def _act(self, record, item, kind, path):
        chunk = self._owner.chunks.chunk(self._arena, self._start, record, item, path)
        if isinstance(chunk, int):
            return chunk
        value = chunk.value if chunk else value_of(self._arena, item, record, self._server())
        if value.kind.startswith(_TNDS):
            from agent.tnds_reader import merge

            return merge(self._tree, kind, path, value)
        if kind == _ADD:
            return self._tree.add(path, value)
        if kind == _REPLACE:
            return self._tree.replace(path, value)
        if kind == _DELETE:
            return self._tree.delete(path, value)
        if kind == _COPY:
            return self._tree.copy(dm_uri.parse(self._arena.text(item, _SOURCE))[0], path, value)
        correlator = self._arena.field(record, _CORRELATOR)
        value.correlator = None if correlator is None else str(correlator, "utf-8")
        if correlator is not None and len(correlator) > 255:
            return 420
        return self._tree.execute(path, value)

    # -- Get ----------------------------------------------------------------------------------------------------------

    def _get(self, record, item, path, query, argument):
        self._owner.chunks.interrupt()
        if query:
            from agent.dm_queries import check_query

            return check_query(self._tree, path, query, argument, self._server())
        kind = self._tree.may(_BIT_GET, path, self._server())
        if kind >> 8 & 15 != 1 and self._acts_later(record):
            self._keep(item, self._tree.value(path))
        return 200

    def _acts_later(self, record):
        at = self._arena.next(record)
        while at < self._end:
            if self._arena.kind(at) in _ACTING:
                return True
            at = self._arena.next(at)
        return False

    def _keep(self, item, value):
        """Keep a value that a later command of this message may change."""
        arena, fill = self._arena, self._arena.fill
        try:
            record = arena.open(_KEPT, 0)
            arena.open_field(_DATA)
            arena.append(value)
            arena.close_field(False)
        except ProtocolError:
            arena.fill = fill
            refuse(413, "the value cannot be kept")
        if arena.status(record):
            arena.fill = fill
            refuse(413, "the value cannot be kept")
        arena.set_status(record, item)
        self.end = arena.fill

    # -- Alert --------------------------------------------------------------------------------------------------------

    def _alert(self, record):
        code = self._refused or (_SKIPPED if self._skipping() else 0)
        if not code:
            code = self._owner.on_alert(self, record)
            if not code:
                return False
        self._arena.set_status(record, code)
        if code == _REJECTED and self._open and self._arena.kind(self._open[-1][0]) == _SEQUENCE:
            self._open[-1][1] = True
        if (code >= 300 or code == _CANCELLED) and self._in_atomic() and not self._skipping():
            self._fail_atomic(record)
        if code == _CANCELLED:
            self._all_skipped = True
        return True

    def items(self, record):
        """Yield the command's Items."""
        at = self._first_item(record)
        while at >= 0:
            yield at
            at = self._next_item(at)

    # -- the end ------------------------------------------------------------------------------------------------------

    def _commit(self):
        if not self.changed:
            return
        try:
            self._tree.commit()
        except FlashError:
            at = self._start
            while at < self._end:
                if self._arena.kind(at) == _ITEM and self._arena.status(at) == 200:
                    self._arena.set_status(at, 510)
                at = self._arena.next(at)
