"""What a message has to say: the package that is answered, a Status for each command or Item, Results behind the Status of
their Get; then our own commands. An entry is (function of the answer, arguments, True if it can be divided, else our alert
or False).

Reads the records that dm_commands has left their statuses in. Knows the order of the entries, not how they are written.
"""

from agent import dm_uri
from agent.compat import const
from agent.dm_sources import node_source

_ALERT = const(0x06)
_ATOMIC = const(0x08)
_COPY = const(0x0D)
_GET = const(0x13)
_SEQUENCE = const(0x24)
_KEPT = const(0x03)
_CMD_ID = const(0x0B)
_DATA = const(0x0F)
_SOURCE = const(0x27)
_TARGET = const(0x2E)
_NO_COMMANDS = const(b"\x29\x22\x14\x02\x03")  # Status, Results, Item, late fields, kept values
_KINDS = const(b"\x05\x06\x08\x0d\x10\x11\x13\x20\x24")
_NAMES = (
    "Add Alert Atomic Copy Delete Exec Get Replace Sequence Unknown"  # of the kinds; a text, so that none is interned
)


def entries(session, answer):
    """Yield all entries: what is answered, then our own."""
    for program in session.programs:
        yield from answers(program, answer, program.start, program.end)
    for thing in session.own:
        if thing:
            yield answer.alert, (thing.code, thing.item, thing.correlator), thing
        else:
            yield answer.devinfo, (), False


def answers(program, answer, first, last):
    """Yield the entries of a program's records from `first` to `last`."""
    arena = answer.session.arena
    while first < last:
        kind = arena.kind(first)
        if kind not in _NO_COMMANDS:
            yield from _command(program, answer, arena, first, kind)
        first = arena.next(first)


def _command(program, answer, arena, record, kind):
    references = program.message, arena.text(record, _CMD_ID).encode()
    name = _NAMES.split()[_KINDS.find(bytes((kind,)))]
    items = () if kind in (_SEQUENCE, _ATOMIC, _ALERT) else arena.items(record, program.end)
    if not items:
        data = program.answers.get(record, ())
        yield answer.status, (references, name, arena.status(record), None, None, data), False
    for item in items:
        source = arena.text(item, _SOURCE) if kind == _COPY else None
        yield answer.status, (references, name, arena.status(item), arena.text(item, _TARGET), source), False
    if kind == _GET:
        for item in items:
            if arena.status(item) == 200:
                yield from _results(program, answer, arena, references, item)


def _results(program, answer, arena, references, item):
    session, uri = answer.session, arena.text(item, _TARGET)
    tree = session.dm.tree
    path, query, argument = dm_uri.parse(uri)
    if query:
        from agent.dm_queries import sources

        found = sources(tree, path, query, argument, session.server_id, type(answer.writer))
    else:
        found = ((uri, node_source(tree, path, _kept(program, arena, item))),)
    for where, source in found:
        yield answer.results, (references, where or uri, source), True


def _kept(program, arena, item):
    """Return the value that was kept for a Get when it was executed."""
    at = program.start
    while at < program.end:
        if arena.kind(at) == _KEPT and arena.status(at) == item:
            return arena.field(at, _DATA)
        at = arena.next(at)
