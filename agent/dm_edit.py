"""The commands that change the management tree: each takes the tree first, and raises ProtocolError with the DM status.

Nothing is on flash before the tree's `commit`; `snapshot` and `roll_back` make several changes all or nothing. What makes,
removes and renames nodes stands in dm_edit_nodes.py.
"""

from agent.compat import const
from agent.dm_tree import refuse, value_of
from agent.dm_uri import parse

_EXEC = const(8)
_REPLACE = const(32)
_NODE = const(1)
_B64 = const(6)
_SOURCE = const(0x27)
_CORRELATOR = const(0x3C)
_MAX_CORRELATOR = const(255)
_TNDS = "application/vnd.syncml.dmtnds"


def edit(tree, arena, record, item, path, server, chunk):
    """Execute Add, Replace, Delete, Copy or Exec for one Item; `chunk` is the large object that was its Data."""
    value, kind = chunk.value if chunk else value_of(arena, item, record, server), arena.kind(record)
    if value.form == _B64 and not chunk:
        value.data = decoded(value.data)
    if value.kind.startswith(_TNDS):
        if tree.tnds:
            from agent.tnds_reader import merge

            return merge(tree, kind, path, value)
        refuse(415)
    if kind == 0x05:
        return add(tree, path, value)
    if kind == 0x20:
        return replace(tree, path, value)
    if kind == 0x10:
        return delete(tree, path, value)
    if kind == 0x0D:
        return copy(tree, parse(arena.text(item, _SOURCE))[0], path, value)
    if arena.field(record, _CORRELATOR) is not None:
        value.correlator = arena.text(record, _CORRELATOR)
        if len(value.correlator.encode()) > _MAX_CORRELATOR:
            refuse(420, "the correlator is too long")
    return execute(tree, path, value)


def decoded(data):
    """Return the bytes of a base64 text."""
    from agent.dm_edit_nodes import decoded as run

    return run(data)


def add(tree, path, value):
    """Create a node, and the interior ones on the way to it."""
    from agent.dm_edit_nodes import add as run

    return run(tree, path, value)


def replace(tree, path, value):
    """Overwrite a leaf."""
    kind = tree.may(_REPLACE, path, value.server)
    if kind >> 8 & 15 == _NODE:
        refuse(405, "an interior node has no value")
    return _change(tree, _REPLACE, path, value)


def delete(tree, path, value):
    """Remove a node and all below it."""
    from agent.dm_edit_nodes import delete as run

    return run(tree, path, value)


def execute(tree, path, value):
    """Run the node's command."""
    tree.may(_EXEC, path, value.server)
    return apply(tree, _EXEC, path, value)


def copy(tree, source, path, value):
    """Write the value of one leaf over another, or into a new one."""
    from agent.dm_edit_nodes import copy as run

    return run(tree, source, path, value)


def _change(tree, op, path, value):
    code = apply(tree, op, path, value)
    tree.properties.touch(path)
    return code


def apply(tree, op, path, value):
    """Let the object check and do it; return the status."""
    thing, inside = tree.find(path)
    if not thing:
        refuse(405, "nothing may be changed there")
    code = thing.check(op, inside, value)
    if code >= 300:
        refuse(code, "the object refuses")
    return thing.apply(op, inside, value)


def rename(tree, path, new):
    """Give a dynamic node another name, its children and properties go with it."""
    from agent.dm_edit_nodes import rename as run

    return run(tree, path, new)


def snapshot(tree):
    """Return what `roll_back` needs."""
    things = [tree.properties] + tree.loaded()
    return [(thing, thing.snapshot()) for thing in things]


def roll_back(tree, snapshot):
    """Undo everything since the snapshot; tell whether every object could.

    An object that was loaded since has its kept state to go back to.
    """
    good, known = True, []
    for thing, state in snapshot:
        known.append(thing)
        good = thing.restore(state) is not False and good
    for thing in tree.loaded():
        if thing not in known:
            thing.reload()
    return good
