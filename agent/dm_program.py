"""What is answered to one message of the server: a Status for each command or Item, Results behind the Status of their Get.

Reads the records that dm_commands has left their statuses in. Knows the order of the entries, not how they are written.
"""

from agent import dm_uri
from agent.compat import const
from agent.dm_sources import node_source

_ATOMIC = const(0x08)
_ALERT = const(0x06)
_COPY = const(0x0D)
_GET = const(0x13)
_ITEM = const(0x14)
_SEQUENCE = const(0x24)
_LATE = const(0x02)
_KEPT = const(0x03)
_CMD_ID = const(0x0B)
_DATA = const(0x0F)
_SOURCE = const(0x27)
_TARGET = const(0x2E)
_NO_COMMANDS = b"\x29\x22\x14\x02\x03"  # Status, Results, Item, late fields, kept values
_NAMES = (
    (0x05, "Add"), (0x06, "Alert"), (0x08, "Atomic"), (0x0D, "Copy"), (0x10, "Delete"), (0x11, "Exec"), (0x13, "Get"),
    (0x20, "Replace"), (0x24, "Sequence"),
)  # fmt: skip


class Program:
    """The records from `start` to `end` of the arena; `answers` holds what the user typed, by record."""

    def __init__(self, arena, tree, start, message):
        self._arena, self._tree, self.start, self.message = arena, tree, start, message
        self.end = arena.fill
        self.answers = {}

    def executed(self):
        """Keep only what the answer needs: the room is for the next message."""
        moved = self._arena.strip(self.start, _KEPT)
        self.answers = {moved[record]: texts for record, texts in self.answers.items()}
        self.end = self._arena.fill

    def has_commands(self, but_alerts=False):
        """Tell whether anything but Statuses came."""
        at = self.start
        while at < self.end:
            kind = self._arena.kind(at)
            if kind not in _NO_COMMANDS and not (but_alerts and kind == _ALERT):
                return True
            at = self._arena.next(at)
        return False

    def entries(self, answer, first=-1, last=-1):
        """Yield (function of the answer, arguments, whether it can be divided), of all records or of some."""
        at, last = self.start if first < 0 else first, self.end if last < 0 else last
        while at < last:
            kind = self._arena.kind(at)
            if kind not in _NO_COMMANDS:
                for entry in self._command(answer, at, kind):
                    yield entry
            at = self._arena.next(at)

    def _command(self, answer, record, kind):
        arena = self._arena
        reference = arena.text(record, _CMD_ID)
        name = dict(_NAMES).get(kind, "Unknown")
        items = () if kind in (_SEQUENCE, _ATOMIC, _ALERT) else self._items(record)
        if not items:
            data = self.answers.get(record, ())
            yield answer.status, (self.message, reference, name, arena.status(record), None, None, data), False
        for item in items:
            target, source = arena.text(item, _TARGET), arena.text(item, _SOURCE) if kind == _COPY else None
            yield answer.status, (self.message, reference, name, arena.status(item), target, source), False
        if kind == _GET:
            for item in items:
                if arena.status(item) == 200:
                    for entry in self._results(answer, (self.message, reference), item):
                        yield entry

    def _items(self, record):
        items, at = [], self._arena.next(record)
        while at < self.end and self._arena.kind(at) in (_ITEM, _LATE):
            if self._arena.kind(at) == _ITEM:
                items.append(at)
            at = self._arena.next(at)
        return items

    def _results(self, answer, references, item):
        uri = self._arena.text(item, _TARGET)
        path, query, argument = dm_uri.parse(uri)
        if not query:
            yield answer.results, (references, uri, node_source(self._tree, path, self._kept(item))), True
            return
        from agent.dm_queries import sources

        for where, source in sources(self._tree, path, query, argument, answer.server_id, answer.tnds_writer):
            yield answer.results, (references, where or uri, source), True

    def _kept(self, item):
        """Return the value that was kept for a Get when it was executed."""
        at = self.start
        while at < self.end:
            if self._arena.kind(at) == _KEPT and self._arena.status(at) == item:
                return self._arena.field(at, _DATA)
            at = self._arena.next(at)
        return None
