"""Addresses in the management tree: `./A/B?prop=ACL` -> ("A/B", "prop", "ACL"), within the limits that DevDetail publishes.

The root is the empty path. Knows nothing of which nodes there are; what is wrong comes out as a DM status code.
"""

from agent.compat import const
from agent.errors import ProtocolError

MAX_TOTAL = const(255)
MAX_SEGMENT = const(32)
MAX_DEPTH = const(16)


def parse(text):
    """Return (path, kind of query or "", its argument); raise ProtocolError with the status that the sender is owed."""
    if len(text) > MAX_TOTAL:
        raise ProtocolError("the URI is too long", 414)
    path, _, query = text.partition("?")
    if not path:
        raise ProtocolError("no URI", 404)
    kind, argument = _query(query)
    return normalise(path), kind, argument


def normalise(path):
    """Return the path without `./` and trailing slash; names are taken as they stand."""
    if path.startswith("./"):
        path = path[2:]
    elif path == ".":
        path = ""
    if path.endswith("/"):
        path = path[:-1]
    if path:
        _check(path.split("/"))
    return path


def _check(segments):
    if len(segments) > MAX_DEPTH:
        raise ProtocolError("the URI has too many segments", 414)
    for name in segments:
        if len(name.encode()) > MAX_SEGMENT:
            raise ProtocolError("a name in the URI is too long", 414)
        if name in ("", ".", ".."):
            raise ProtocolError("the URI is not one", 404)


def _query(query):
    kind, _, argument = query.partition("=")
    kind = kind.lower()
    if query and (kind not in ("prop", "list") or not argument):
        raise ProtocolError("no such query", 406)
    return kind, argument


def parent(path):
    """Return the path of the node above."""
    return path.rpartition("/")[0]


def name(path):
    """Return the last segment."""
    return path.rpartition("/")[2]


def join(path, name):
    """Return the path of the child `name`."""
    return path + "/" + name if path else name


def is_below(path, top):
    """Tell whether `path` is `top` or lies below it."""
    return not top or path == top or path.startswith(top + "/")


def below(path, top):
    """Return `path` seen from `top`."""
    return path[len(top) + 1 :] if top else path


def add_children(names, entries, path):
    """Add to `names` those right below `path` that the entries, (path, ...), lead through; return them."""
    for entry in entries:
        name = below(entry[0], path).split("/")[0]
        if entry[0] != path and is_below(entry[0], path) and name not in names:
            names.append(name)
    return names
