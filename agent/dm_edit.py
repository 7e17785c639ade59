"""The commands that change the management tree: each takes the tree first, and raises ProtocolError with the DM status.

Nothing is on flash before the tree's `commit`; `snapshot` and `roll_back` make several changes all or nothing.
"""

from agent import dm_acl
from agent.compat import const
from agent.dm_tree import Value, refuse, value_of
from agent.dm_uri import join, name, parent, parse
from agent.errors import ProtocolError

_ADD = const(1)
_DELETE = const(4)
_EXEC = const(8)
_GET = const(16)
_REPLACE = const(32)
_DYNAMIC = const(64)
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
        from agent.tnds_reader import merge

        return merge(tree, kind, path, value)
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
    from agent.base64 import Decoder

    decoder, raw = Decoder(), memoryview(bytearray(len(data) + 3))
    decode = decoder.decode
    size = decode(data, raw)
    decoder.finish()
    return raw[:size]


def add(tree, path, value):
    """Create a node, and the interior ones on the way to it."""
    if tree.kind(path):
        refuse(418, "there is such a node")
    top, missing = parent(path), []
    while not tree.kind(top):
        missing.append(top)
        top = parent(top)
    kind = tree.kind(top)
    if kind >> 8 & 15 != _NODE or not kind & _ADD:
        refuse(405, "nothing may be added there")
    if not tree.allowed(_ADD, top, value.server):
        refuse(425, "the ACL refuses")
    keep = snapshot(tree)
    try:
        for node in reversed(missing):
            _create(tree, node, Value(b"", _NODE, "", value.server))
        _create(tree, path, value)
    except ProtocolError:
        roll_back(tree, keep)
        raise
    return 200


def _create(tree, path, value):
    _apply(tree, _ADD, path, value)
    server = value.server
    if tree.kind(path) >> 8 & 15 == _NODE and server and not tree.allowed(_REPLACE, parent(path), server):
        tree.properties.set_acl(path, dm_acl.for_creator(server))
    tree.properties.touch(path)


def replace(tree, path, value):
    """Overwrite a leaf."""
    kind = tree.may(_REPLACE, path, value.server)
    if kind >> 8 & 15 == _NODE:
        refuse(405, "an interior node has no value")
    return _change(tree, _REPLACE, path, value)


def delete(tree, path, value):
    """Remove a node and all below it."""
    kind = tree.demand(path)
    if not path or not kind & _DYNAMIC:
        refuse(405, "the node is permanent")
    tree.may(_DELETE, path, value.server)
    code = _apply(tree, _DELETE, path, value)
    tree.properties.forget(path)
    return code


def execute(tree, path, value):
    """Run the node's command."""
    tree.may(_EXEC, path, value.server)
    return _apply(tree, _EXEC, path, value)


def copy(tree, source, path, value):
    """Write the value of one leaf over another, or into a new one."""
    kind = tree.may(_GET, source, value.server)
    if kind >> 8 & 15 == _NODE or source == path:
        refuse(403, "only a leaf can be copied, and to another place")
    value.data, value.form, value.kind = tree.value(source), kind >> 8 & 15, tree.type_of(source)
    return replace(tree, path, value) if tree.kind(path) else add(tree, path, value)


def _change(tree, op, path, value):
    code = _apply(tree, op, path, value)
    tree.properties.touch(path)
    return code


def _apply(tree, op, path, value):
    thing, inside = tree.find(path)
    if not thing:
        refuse(405, "nothing may be changed there")
    code = thing.check(op, inside, value)
    if code >= 300:
        refuse(code, "the object refuses")
    return thing.apply(op, inside, value)


def rename(tree, path, new):
    """Give a dynamic node another name, its children and properties go with it."""
    kind = tree.demand(path)
    target = join(parent(path), new)
    if not path or not kind & _DYNAMIC:
        refuse(405, "the node is permanent")
    if "/" in new or parse("./" + target)[0] != target:
        refuse(400, "not a name")
    if tree.kind(target):
        refuse(418, "a sibling has that name")
    thing, inside = tree.find(path)
    thing.rename(inside, join(parent(inside), name(target)))
    tree.properties.rename(path, target)
    return 200


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
