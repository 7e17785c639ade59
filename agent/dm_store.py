"""A subtree that servers can change: nodes with format, type and value in one blob of the settings journal.

The blob is never changed in place: a change makes a new one, so that keeping the old one is all a roll-back needs.
Nothing reaches the flash before the message's end, when `changes` are put all at once.
"""

import struct

from agent.compat import const
from agent.errors import ProtocolError

_HEAD = "<BBBH"  # length of path, of type, format, length of value
_HEAD_SIZE = const(5)


class Store:
    """An ordered list of nodes under relative paths; `quota` bounds the bytes that it takes."""

    def __init__(self, journal, key, quota, factory=b""):
        self._journal, self._key, self._quota = journal, key, quota
        self._factory = factory
        self.reload()

    def reload(self):
        """Forget what was not put."""
        buffer = bytearray(self._quota)
        size = self._journal.get(self._key, buffer)
        self.blob = bytes(memoryview(buffer)[:size]) if size >= 0 else self._factory
        self._kept = self.blob

    def changes(self):
        """Return the (key, data) to put, an empty tuple where nothing has changed."""
        if self.blob == self._kept:
            return ()
        return ((self._key, self.blob),)

    def saved(self):
        """Say that the changes are on flash."""
        self._kept = self.blob

    def names(self):
        """Yield (path, format, type, start of value, size of value) of every node."""
        at = 0
        while at < len(self.blob):
            path_size, type_size, form, size = struct.unpack_from(_HEAD, self.blob, at)
            at += _HEAD_SIZE
            path, at = str(self.blob[at : at + path_size], "utf-8"), at + path_size
            kind, at = str(self.blob[at : at + type_size], "utf-8"), at + type_size
            yield path, form, kind, at, size
            at += size

    def find(self, path):
        """Return (format, type, start, size), None where there is none."""
        for found in self.names():
            if found[0] == path:
                return found[1:]
        return None

    def value(self, path):
        """Return the value as bytes, None where there is no such node."""
        found = self.find(path)
        return self.blob[found[2] : found[2] + found[3]] if found else None

    def text(self, path, default=""):
        """Return the value as text."""
        found = self.value(path)
        return default if found is None else str(found, "utf-8")

    def set(self, path, form, kind, data):
        """Create or overwrite the node."""
        kept = self._without(path, False)
        where, kind = path.encode(), kind.encode()
        if max(len(where), len(kind)) > 255:
            raise ProtocolError("the path or the type is too long", 414)
        head = struct.pack(_HEAD, len(where), len(kind), form, len(data))
        if len(kept) + _HEAD_SIZE + len(where) + len(kind) + len(data) > self._quota:
            raise ProtocolError("the settings are full", 420)
        self.blob = b"".join((kept, head, where, kind, data))

    def delete(self, path):
        """Remove the node and all below it."""
        self.blob = self._without(path, True)

    def rename(self, path, new):
        """Move the node and all below it to the path `new`."""
        nodes = []
        for found, form, kind, start, size in self.names():
            if found == path or found.startswith(path + "/"):
                nodes.append((new + found[len(path) :], form, kind, self.blob[start : start + size]))
        self.delete(path)
        for node in nodes:
            self.set(*node)

    def _without(self, path, subtree):
        kept, at = [], 0
        for found, _, _, start, size in self.names():
            if not (found == path or subtree and (not path or found.startswith(path + "/"))):
                kept.append(self.blob[at : start + size])
            at = start + size
        return b"".join(kept)
