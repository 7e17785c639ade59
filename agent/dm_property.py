"""The properties of a node, `?prop=`: who may read and change them, and what they say.

Rights on properties are decided here, all others by the tree. Loaded when the first such command comes.
"""

from agent.compat import const
from agent.dm_tree import FORMATS, allows, refuse
from agent.dm_uri import join, name, parent
from agent.errors import ProtocolError

_ADD = const(1)
_GET = const(16)
_REPLACE = const(32)
_NODE = const(1)
_CMD_REPLACE = const(0x20)
_NAMES = ("acl", "format", "name", "size", "title", "tstamp", "type", "verno")


def change_property(tree, kind, path, query, argument, text, server):
    """Execute a command other than Get; the only one that a property knows is Replace."""
    node = tree.demand(path)
    if query != "prop":
        refuse(405)
    what = _property(argument)
    if kind != _CMD_REPLACE or what not in ("acl", "name", "title"):
        refuse(405)
    may = tree.allowed(_REPLACE, parent(path), server)
    if what != "acl" or node >> 8 & 15 == _NODE:
        # The ACL of a leaf is a matter of its parent alone, everything else one of the node itself.
        may = tree.allowed(_REPLACE, path, server) or what == "acl" and may
    if not may:
        refuse(425)
    from agent import dm_acl, dm_edit

    keep = dm_edit.snapshot(tree)
    try:
        if what == "name":
            dm_edit.rename(tree, path, text)
            path = join(parent(path), text)
        elif what == "title":
            tree.properties.set_title(path, text)
        else:
            text = dm_acl.check(text)
            if not path and not allows(text, _ADD, "*"):
                refuse(405)
            tree.properties.set_acl(path, text)
    except ProtocolError:
        dm_edit.roll_back(tree, keep)
        raise
    tree.properties.touch(path)
    return 200


def check_property(tree, path, argument, server):
    """Return the status that a Get deserves."""
    what, kind = _property(argument), tree.demand(path)
    if what == "size" and kind >> 8 & 15 == _NODE:
        refuse(406)
    if what != "acl":
        tree.may(_GET, path, server)
    elif not tree.allowed(_GET, path, server):  # that of a secret too: who manages it must see it
        refuse(425)
    return 200


def property_text(tree, path, what):
    """Return a property as text; `what` in lower case."""
    if what == "acl":
        return tree.own_acl(path)
    if what == "format":
        return FORMATS[tree.kind(path) >> 8 & 15]
    if what == "name":
        return name(path)
    if what == "size":
        return str(tree.size(path))
    if what == "title":
        return tree.properties.title_of(path)
    if what == "tstamp":
        return tree.properties.stamp(path)
    if what == "type":
        return tree.type_of(path) or ("" if tree.kind(path) >> 8 & 15 == _NODE else "text/plain")
    return str(tree.properties.version(path))


def _property(argument):
    what = argument.lower()
    if what not in _NAMES:
        refuse(406)
    return what
