"""The commands that change the management tree: each takes the tree first, and raises ProtocolError with the DM status.

How they last or are undone: dm_commit.py. What makes, removes and renames nodes stands in dm_edit_nodes.py.
"""

from agent.compat import const
from agent.dm_tree import refuse
from agent.dm_uri import parse
from agent.dm_value import value_of

_ADD = const(0x05)
_COPY = const(0x0D)
_EXEC_COMMAND = const(0x11)
_REPLACE_COMMAND = const(0x20)
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
        from agent.dm_edit_nodes import decoded

        value.data = decoded(value.data)
    if value.kind.startswith(_TNDS):
        if tree.tnds:
            from agent.tnds_reader import merge

            return merge(tree, kind, path, value)
        refuse(415)
    if kind == _REPLACE_COMMAND:
        return replace(tree, path, value)
    if kind == _EXEC_COMMAND:
        if arena.field(record, _CORRELATOR) is not None:
            value.correlator = arena.text(record, _CORRELATOR)
            if len(value.correlator.encode()) > _MAX_CORRELATOR:
                refuse(420, "the correlator is too long")
        return execute(tree, path, value)
    from agent import dm_edit_nodes

    if kind == _COPY:
        return dm_edit_nodes.copy(tree, parse(arena.text(item, _SOURCE))[0], path, value)
    return (dm_edit_nodes.add if kind == _ADD else dm_edit_nodes.delete)(tree, path, value)


def replace(tree, path, value):
    """Overwrite a leaf."""
    kind = tree.may(_REPLACE, path, value.server)
    if kind >> 8 & 15 == _NODE:
        refuse(405, "an interior node has no value")
    code = apply(tree, _REPLACE, path, value)
    tree.properties.touch(path)
    return code


def execute(tree, path, value):
    """Run the node's command."""
    tree.may(_EXEC, path, value.server)
    return apply(tree, _EXEC, path, value)


def apply(tree, op, path, value):
    """Let the object check and do it; return the status."""
    thing, inside = tree.find(path)
    if not thing:
        refuse(405, "nothing may be changed there")
    code = thing.check(op, inside, value)
    if code >= 300:
        refuse(code, "the object refuses")
    return thing.apply(op, inside, value)
