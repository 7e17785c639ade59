"""Commands whose URI ends with `?prop=` or `?list=`: a node's properties, and subtrees in one answer.

Loaded when the first such command comes. Rights on properties are decided here, all others by the tree.
"""

from agent.compat import const
from agent.dm_sources import BytesSource, LeafSource
from agent.dm_tree import FORMATS, allows, refuse
from agent.dm_uri import join, name, parent
from agent.errors import ProtocolError

_ADD = const(1)
_GET = const(16)
_REPLACE = const(32)
_NODE = const(1)
_CMD_REPLACE = const(0x20)
_PARTS = ("acl", "format", "name", "size", "title", "tstamp", "type", "verno", "value")


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


def check_query(tree, path, query, argument, server):
    """Return the status that a Get deserves."""
    if query == "prop":
        what, kind = _property(argument), tree.demand(path)
        if what == "size" and kind >> 8 & 15 == _NODE:
            refuse(406)
        if what == "acl":  # that of a secret too: who manages it must see it
            if not tree.allowed(_GET, path, server):
                refuse(425)
            return 200
    elif argument.lower() not in ("struct", "structdata"):
        _tnds_parts(argument)
    tree.may(_GET, path, server)
    return 200


def sources(tree, path, query, argument, server, tnds_writer):
    """Yield (URI or None for the one that was asked for, source) of what a Get gives that `check_query` let pass."""
    argument = argument.lower()
    if query == "prop":
        text = property_text(tree, path, argument) if tree.kind(path) else ""  # a later command may have deleted it
        yield None, BytesSource(text.encode())
    elif argument[:6] != "struct":
        from agent.tnds_writer import TndsSource

        yield _uri(path), TndsSource(tree, path, _tnds_parts(argument), server, tnds_writer)
    else:
        for node in readable(tree, path, server):
            if tree.kind(node) >> 8 & 15 == _NODE:
                source = BytesSource(b"", "node", tree.type_of(node) or None)
            else:
                source = LeafSource(tree, node, None if argument == "structdata" else b"")
            yield _uri(node), source


def _uri(path):
    return "./" + path if path else "."


def readable(tree, path, server):
    """Yield the paths of the node and of those below it that the server may Get, parents first."""
    levels = []  # an iterator over the names that are left, and where they are
    while True:
        kind = tree.kind(path)
        if kind & _GET and tree.allowed(_GET, path, server):
            yield path
            if kind >> 8 & 15 == _NODE:
                levels.append((iter(tree.children(path)), path))
        path = None
        while levels and path is None:
            child = next(levels[-1][0], None)
            if child is None:
                levels.pop()
            else:
                path = join(levels[-1][1], child)
        if path is None:
            return


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
    if what not in _PARTS[:-1]:
        refuse(406)
    return what


def _tnds_parts(argument):
    """Return the parts that `TNDS`, `TNDS+ACL+...` or `TNDS-ACL-...` asks for."""
    argument = argument.lower()
    sign = "+" if "+" in argument else "-"
    names = argument.split(sign)
    for i in range(len(names)):
        if names[i] not in _PARTS if i else names[0] != "tnds":
            refuse(406)
    return [part for part in _PARTS if (part in names) == (sign == "+")]
