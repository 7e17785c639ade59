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


def entries(program, arena, tree, answer, first=-1, last=-1):
    """Yield (function of the answer, arguments, whether it can be divided), of all records or of some."""
    at, last = program.start if first < 0 else first, program.end if last < 0 else last
    while at < last:
        kind = arena.kind(at)
        if kind not in _NO_COMMANDS:
            for entry in _command(program, arena, tree, answer, at, kind):
                yield entry
        at = arena.next(at)


def _command(program, arena, tree, answer, record, kind):
    reference = arena.text(record, _CMD_ID)
    name = dict(_NAMES).get(kind, "Unknown")
    items = () if kind in (_SEQUENCE, _ATOMIC, _ALERT) else _items(program, arena, record)
    if not items:
        data = program.answers.get(record, ())
        yield answer.status, (program.message, reference, name, arena.status(record), None, None, data), False
    for item in items:
        target, source = arena.text(item, _TARGET), arena.text(item, _SOURCE) if kind == _COPY else None
        yield answer.status, (program.message, reference, name, arena.status(item), target, source), False
    if kind == _GET:
        for item in items:
            if arena.status(item) == 200:
                for entry in _results(program, arena, tree, answer, (program.message, reference), item):
                    yield entry


def _items(program, arena, record):
    items, at = [], arena.next(record)
    while at < program.end and arena.kind(at) in (_ITEM, _LATE):
        if arena.kind(at) == _ITEM:
            items.append(at)
        at = arena.next(at)
    return items


def _results(program, arena, tree, answer, references, item):
    uri = arena.text(item, _TARGET)
    path, query, argument = dm_uri.parse(uri)
    if not query:
        yield answer.results, (references, uri, node_source(tree, path, _kept(program, arena, item))), True
        return
    from agent.dm_queries import sources

    for where, source in sources(tree, path, query, argument, answer.server_id, answer.tnds_writer):
        yield answer.results, (references, where or uri, source), True


def _kept(program, arena, item):
    """Return the value that was kept for a Get when it was executed."""
    at = program.start
    while at < program.end:
        if arena.kind(at) == _KEPT and arena.status(at) == item:
            return arena.field(at, _DATA)
        at = arena.next(at)
    return None
