"""A value that was read by a Get and that a later command of its message may change: it is kept in the arena."""

from agent.compat import const
from agent.dm_tree import refuse

_KEPT = const(0x03)
_DATA = const(0x0F)


def keep(arena, item, value):
    """Write a record with the value for the Item, which dm_entries looks for."""
    fill = arena.fill
    record = arena.open(_KEPT, 0)
    arena.open_field(_DATA)
    arena.append(value)
    arena.close_field(False)
    if arena.status(record):
        arena.fill = fill
        refuse(413, "the value cannot be kept")
    arena.set_status(record, item)
