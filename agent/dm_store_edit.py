"""Changes of a dm_store.Store: each makes a new blob. Loaded when a server changes something."""

import struct

from agent.dm_uri import is_below
from agent.errors import ProtocolError

_HEAD = "<BBBH"  # as in dm_store


def put(store, path, form, kind, data, quota):
    """Return the store's blob with the node created or overwritten."""
    where, kind = path.encode(), kind.encode()
    if max(len(where), len(kind)) > 255:
        raise ProtocolError("the path or the type is too long", 414)
    head = struct.pack(_HEAD, len(where), len(kind), form, len(data))
    blob = b"".join((without(store, path, False), head, where, kind, data))
    if len(blob) > quota:
        raise ProtocolError("the settings are full", 420)
    return blob


def without(store, path, subtree):
    """Return the store's blob without the node, and without what is below it if `subtree` says so."""
    kept, at = [], 0
    for found, _, _, start, size in store.names():
        if not (is_below(found, path) if subtree else found == path):
            kept.append(store.blob[at : start + size])
        at = start + size
    return b"".join(kept)


def rename(store, path, new):
    """Move the node and all below it to the path `new`."""
    nodes = []
    for found, form, kind, start, size in store.names():
        if is_below(found, path):
            nodes.append((new + found[len(path) :], form, kind, store.blob[start : start + size]))
    store.delete(path)
    for node in nodes:
        store.set(*node)
