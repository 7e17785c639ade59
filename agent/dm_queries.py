"""What a Get gives whose URI ends with `?list=` or `?prop=`: subtrees in one answer, a node's properties (see dm_property)."""

from agent.compat import const
from agent.dm_sources import BytesSource, LeafSource
from agent.dm_uri import join

_GET = const(16)
_NODE = const(1)


def sources(tree, path, query, argument, server, tnds_writer):
    """Yield (URI or None for the one that was asked for, source) of what a Get gives that `check_query` let pass."""
    argument = argument.lower()
    if query == "prop":
        from agent.dm_property import property_text

        text = property_text(tree, path, argument) if tree.kind(path) else ""  # a later command may have deleted it
        yield None, BytesSource(text.encode())
    elif tree.tnds and argument[:6] != "struct":
        from agent.dm_property import tnds_parts
        from agent.tnds_writer import TndsSource

        yield _uri(path), TndsSource(tree, path, tnds_parts(argument), server, tnds_writer)
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
    levels = []  # the path of each node that we are in, and the names in it that are still to come
    while path is not None:
        kind = tree.kind(path)
        if kind & _GET and tree.allowed(_GET, path, server):
            yield path
            if kind >> 8 & 15 == _NODE:
                levels.append((path, tree.each_child(path)))
        path = None
        while levels and path is None:
            for child in levels[-1][1]:
                path = join(levels[-1][0], child)
                break
            else:
                levels.pop()
