"""A subtree that servers can change: nodes with format, type and value in one blob of the settings journal.

The blob is never changed in place: a change makes a new one, so that keeping the old one is all a roll-back needs.
Nothing reaches the flash before the message's end, when `changes` are put all at once.
"""

import struct

from agent.compat import const

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
        buffer = bytearray()  # it grows: much less than the quota is usual
        size = self._journal.get(self._key, buffer)
        self.blob = bytes(buffer) if size >= 0 else self._factory
        self._kept = self.blob

    def changes(self):
        """Return the (key, data) to put, an empty tuple where nothing has changed."""
        return () if self.blob == self._kept else ((self._key, self.blob),)

    def saved(self):
        """Say that the changes are on flash."""
        self._kept = self.blob

    def names(self):
        """Yield (path, format, type, start of value, size of value) of every node."""
        at, blob = 0, self.blob
        while at < len(blob):
            path_size, type_size, form, size = struct.unpack_from(_HEAD, blob, at)
            at += _HEAD_SIZE
            middle = at + path_size
            start = middle + type_size
            yield str(blob[at:middle], "utf-8"), form, str(blob[middle:start], "utf-8"), start, size
            at = start + size

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
        from agent.dm_store_edit import put

        self.blob = put(self, path, form, kind, data, self._quota)

    def delete(self, path):
        """Remove the node and all below it."""
        from agent.dm_store_edit import without

        self.blob = without(self, path, True)

    def rename(self, path, new):
        """Move the node and all below it to the path `new`."""
        from agent.dm_store_edit import rename

        rename(self, path, new)
