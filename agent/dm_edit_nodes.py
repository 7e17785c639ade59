"""Commands that make, remove, copy and rename nodes of the management tree, or change their properties. See dm_edit.py.

Rights on properties are decided here, all others by the tree.
"""

from agent.compat import const
from agent.dm_commit import roll_back, snapshot
from agent.dm_edit import apply, replace
from agent.dm_tree import allows, refuse
from agent.dm_uri import join, name, parent, parse
from agent.dm_value import Value
from agent.errors import ProtocolError

_ADD = const(1)
_DELETE = const(4)
_GET = const(16)
_REPLACE = const(32)
_DYNAMIC = const(64)
_NODE = const(1)
_CMD_REPLACE = const(0x20)


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
    apply(tree, _ADD, path, value)
    server = value.server
    if tree.kind(path) >> 8 & 15 == _NODE and server and not tree.allowed(_REPLACE, parent(path), server):
        from agent.dm_acl import for_creator

        tree.properties.set_acl(path, for_creator(server))
    tree.properties.touch(path)


def delete(tree, path, value):
    """Remove a node and all below it."""
    kind = tree.demand(path)
    if not path or not kind & _DYNAMIC:
        refuse(405, "the node is permanent")
    tree.may(_DELETE, path, value.server)
    code = apply(tree, _DELETE, path, value)
    tree.properties.forget(path)
    return code


def copy(tree, source, path, value):
    """Write the value of one leaf over another, or into a new one."""
    kind = tree.may(_GET, source, value.server)
    if kind >> 8 & 15 == _NODE or source == path:
        refuse(403, "only a leaf can be copied, and to another place")
    value.data, value.form, value.kind = tree.value(source), kind >> 8 & 15, tree.type_of(source)
    return replace(tree, path, value) if tree.kind(path) else add(tree, path, value)


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


def change_property(tree, kind, path, query, argument, text, server):
    """Execute a command other than Get; the only one that a property knows is Replace."""
    from agent.dm_property import property_name

    node = tree.demand(path)
    if query != "prop":
        refuse(405)
    what = property_name(argument)
    if kind != _CMD_REPLACE or what not in ("acl", "name", "title"):
        refuse(405)
    may = tree.allowed(_REPLACE, parent(path), server)
    if what != "acl" or node >> 8 & 15 == _NODE:
        # The ACL of a leaf is a matter of its parent alone, everything else one of the node itself.
        may = tree.allowed(_REPLACE, path, server) or what == "acl" and may
    if not may:
        refuse(425)
    keep = snapshot(tree)
    try:
        if what == "name":
            rename(tree, path, text)
            path = join(parent(path), text)
        elif what == "title":
            tree.properties.set_title(path, text)
        else:
            from agent.dm_acl import check

            text = check(text)
            if not path and not allows(text, _ADD, "*"):
                refuse(405)
            tree.properties.set_acl(path, text)
    except ProtocolError:
        roll_back(tree, keep)
        raise
    tree.properties.touch(path)
    return 200
