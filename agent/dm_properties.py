"""What servers set beside a node's value: ACL and Title, with the version number and the time of the last change.

Kept for the nodes where it differs from nothing, in one Store. Must not know who may change what.
"""

import struct

from agent.compat import const

MAX_TITLE = const(255)
_HEAD = "<HBH"  # version number, an own ACL?, its length; then ACL, 16 bytes or none of time stamp, Title
_HEAD_SIZE = const(5)
_STAMP = const(16)


class Properties:
    """Properties by path; `now()` gives the time as text like 20261121T093000Z, or "" where nobody knows it."""

    def __init__(self, store, now=None):
        self._store, self.now = store, now
        self.changes, self.saved, self.reload = store.changes, store.saved, store.reload
        self.set, self.names = store.set, store.names
        self.forget, self.rename = store.delete, store.rename

    def snapshot(self):
        """Return what `restore` needs."""
        return self._store.blob

    def restore(self, snapshot):
        """Undo what came after the snapshot."""
        self._store.blob = snapshot

    def acl(self, path):
        """Return the ACL that was set, None where none was: that of the factory holds then."""
        fields = self.load(path)
        return fields[2] if fields[1] else None

    def set_acl(self, path, acl):
        """Set the ACL of a node."""
        _edit().set_acl(self, path, acl)

    def title_of(self, path):
        """Return the Title."""
        return self.load(path)[4]

    def set_title(self, path, title):
        """Set the Title."""
        _edit().set_title(self, path, title)

    def version(self, path):
        """Return the number of changes, modulo 65,536."""
        return self.load(path)[0]

    def stamp(self, path):
        """Return the time of the last change."""
        return self.load(path)[3]

    def touch(self, path):
        """Count a change; what does not fit any more goes uncounted."""
        _edit().touch(self, path)

    def drop_server(self, server, without, root):
        """Take a server id out of every ACL; `root` is what the root falls back to if a command is left with nobody."""
        _edit().drop_server(self, server, without, root)

    def load(self, path):
        """Return (version number, 1 where there is an own ACL, ACL, time stamp, Title)."""
        data = self._store.value(path)
        if not data:
            return 0, 0, "", "", ""
        version, own, size = struct.unpack_from(_HEAD, data, 0)
        acl, rest = data[_HEAD_SIZE : _HEAD_SIZE + size], data[_HEAD_SIZE + size :]
        stamp = _STAMP if own & 2 else 0
        return version, own & 1, str(acl, "utf-8"), str(rest[:stamp], "utf-8"), str(rest[stamp:], "utf-8")


def _edit():
    from agent import dm_properties_edit

    return dm_properties_edit
