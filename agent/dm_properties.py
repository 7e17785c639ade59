"""What servers set beside a node's value: ACL and Title, with the version number and the time of the last change.

Kept for the nodes where it differs from nothing, in one Store. Must not know who may change what.
"""

import struct

from agent.compat import const
from agent.late import late

_HEAD = "<HBH"  # version number, an own ACL?, its length; then ACL, 16 bytes or none of time stamp, Title
_HEAD_SIZE = const(5)
_STAMP = const(16)


class Properties:
    """Properties by path; `now()` gives the time as text like 20261121T093000Z, or "" where nobody knows it."""

    def __init__(self, store, now=None):
        self.store, self.now = store, now

    def __getattr__(self, name):  # whatever changes them
        from agent.dm_properties_edit import Editing

        return late(Editing, self, name)

    def acl(self, path):
        """Return the ACL that was set, None where none was: that of the factory holds then."""
        fields = self.load(path)
        return fields[2] if fields[1] else None

    def load(self, path):
        """Return (version number modulo 65,536, 1 where there is an own ACL, ACL, time stamp, Title)."""
        data = self.store.value(path)
        if not data:
            return 0, 0, "", "", ""
        version, own, size = struct.unpack_from(_HEAD, data, 0)
        acl, rest = data[_HEAD_SIZE : _HEAD_SIZE + size], data[_HEAD_SIZE + size :]
        stamp = _STAMP if own & 2 else 0
        return version, own & 1, str(acl, "utf-8"), str(rest[:stamp], "utf-8"), str(rest[stamp:], "utf-8")
