"""The properties of a node, `?prop=`: what they say; and which Gets with `?prop=` or `?list=` are answered.

How properties are changed: dm_edit_nodes.py. What subtrees give: dm_queries.py.
"""

from agent.compat import const
from agent.dm_tree import FORMATS, refuse
from agent.dm_uri import name

_GET = const(16)
_NODE = const(1)
_PARTS = ("acl", "format", "name", "size", "title", "tstamp", "type", "verno", "value")


def check_query(tree, path, query, argument, server):
    """Return the status that a Get deserves."""
    if query == "prop":
        return _check_property(tree, path, argument, server)
    if argument.lower() not in ("struct", "structdata"):
        if not tree.tnds:
            refuse(406)
        tnds_parts(argument)
    tree.may(_GET, path, server)
    return 200


def _check_property(tree, path, argument, server):
    what, kind = property_name(argument), tree.demand(path)
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
        return tree.properties.load(path)[4]
    if what == "tstamp":
        return tree.properties.load(path)[3]
    if what == "type":
        return tree.type_of(path) or ("" if tree.kind(path) >> 8 & 15 == _NODE else "text/plain")
    return str(tree.properties.load(path)[0])


def property_name(argument):
    """Return the property that a query asks for; 406 where there is none such."""
    what = argument.lower()
    if what not in _PARTS[:-1]:
        refuse(406)
    return what


def tnds_parts(argument):
    """Return the parts that `TNDS`, `TNDS+ACL+...` or `TNDS-ACL-...` asks for."""
    sign = "+" if "+" in argument else "-"
    names = argument.lower().split(sign)
    if names.pop(0) != "tnds":
        refuse(406)
    for part in names:
        if part not in _PARTS:
            refuse(406)
    return [part for part in _PARTS if (part in names) == (sign == "+")]
