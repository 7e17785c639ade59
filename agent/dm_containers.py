"""Sequence and Atomic: what their state does to the commands inside, and how an Atomic is undone.

A container is open while records lie deeper than it. An Atomic that fails is rolled back before anything else happens:
what was done becomes 216 (516 where it could not be undone), what was not is skipped, the culprit keeps its status.
"""

from agent.compat import const
from agent.dm_commit import reload, roll_back, snapshot

_ATOMIC = const(0x08)
_ITEM = const(0x14)
_SEQUENCE = const(0x24)
_CHANGING = b"\x05\x20\x10\x0d"
_SKIPPED = const(215)
_CANCELLED = const(214)
_REJECTED = const(304)


def begin(commands, record):
    """Open a container."""
    arena, skipping = commands.arena, commands.skipping()
    code = commands.refused or (_SKIPPED if skipping else 200)
    if code == 200 and arena.kind(record) == _ATOMIC:
        if commands.atomic() >= 0:
            code = 500
        elif commands.owner.too_large(record, _behind(commands, record)):
            code = 517
        else:
            commands.snapshot = snapshot(commands.tree)
    arena.set_status(record, code)
    if code == 500:
        _fail(commands, record)
    commands.open.append([record, code != 200])


def done(commands, record, code):
    """A child has its status: let it count for the containers around."""
    inside = commands.open[-1] if commands.open else None
    if (
        (code >= 300 or code == _CANCELLED)
        and commands.atomic() >= 0
        and not commands.skipping()
        and not commands.refused
    ):
        _fail(commands, record)
    if code == _REJECTED and inside and commands.arena.kind(inside[0]) == _SEQUENCE:
        inside[1] = True
    if code == _CANCELLED:
        commands.all_skipped = True


def _behind(commands, record):
    """Return the offset behind the container's children."""
    arena = commands.arena
    depth, at = arena.depth(record), arena.next(record)
    while at < commands.end and arena.depth(at) > depth:
        at = arena.next(at)
    return at


def _fail(commands, culprit):
    good, arena, atomic = roll_back(commands.tree, commands.snapshot), commands.arena, commands.atomic()
    for entry in commands.open:
        if entry[0] == atomic:
            entry[1] = True
    arena.set_status(atomic, 507)
    at, behind = arena.next(atomic), _behind(commands, atomic)
    while at < behind:
        code = arena.status(at)
        if at < culprit and 200 <= code < 300 and code != _SKIPPED:
            arena.set_status(at, 216 if good else 516)
        at = arena.next(at)


def not_stored(commands, start):
    """The flash did not take the changes: nothing that was done lasts."""
    arena, at, command = commands.arena, start, 0
    reload(commands.tree)
    while at < commands.end:
        kind, good = arena.kind(at), arena.status(at) == 200
        if kind != _ITEM:
            command = kind
            if good and kind == _ATOMIC:
                arena.set_status(at, 507)
        elif good and command in _CHANGING:
            arena.set_status(at, 510)
        at = arena.next(at)
