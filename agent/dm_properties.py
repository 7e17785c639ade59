"""What servers set beside a node's value: ACL and Title, with the version number and the time of the last change.

Kept for the nodes where it differs from nothing, in one Store. Must not know who may change what.
"""

import struct

from agent.compat import const
from agent.errors import ProtocolError

MAX_TITLE = const(255)
_HEAD = "<HBH"  # version number, an own ACL?, its length; then ACL, 16 bytes or none of time stamp, Title
_HEAD_SIZE = const(5)
_STAMP = const(16)


class Properties:
    """Properties by path; `now()` gives the time as text like 20261121T093000Z, or "" where nobody knows it."""

    def __init__(self, store, now=None):
        self._store, self._now = store, now
        self.snapshot = store_snapshot(store)
        self.changes, self.saved, self.reload = store.changes, store.saved, store.reload

    def restore(self, snapshot):
        """Undo what came after the snapshot."""
        self._store.blob = snapshot

    def acl(self, path):
        """Return the ACL that was set, None where none was: that of the factory holds then."""
        version, own, acl, stamp, title = self._load(path)
        return acl if own else None

    def set_acl(self, path, acl):
        """Set the ACL of a node."""
        version, _, _, stamp, title = self._load(path)
        self._save(path, version, 1, acl, stamp, title)

    def title_of(self, path):
        """Return the Title."""
        return self._load(path)[4]

    def set_title(self, path, title):
        """Set the Title."""
        if len(title.encode()) > MAX_TITLE:
            raise ProtocolError("the title is too long", 413)
        version, own, acl, stamp, _ = self._load(path)
        self._save(path, version, own, acl, stamp, title)

    def version(self, path):
        """Return the number of changes, modulo 65,536."""
        return self._load(path)[0]

    def stamp(self, path):
        """Return the time of the last change."""
        return self._load(path)[3]

    def touch(self, path):
        """Count a change; what does not fit any more goes uncounted."""
        version, own, acl, stamp, title = self._load(path)
        try:
            self._save(path, version + 1 & 0xFFFF, own, acl, (self._now and self._now()) or stamp, title)
        except ProtocolError:
            pass

    def forget(self, path):
        """Drop everything about a node and what was below it."""
        self._store.delete(path)

    def rename(self, path, new):
        """Keep everything under another path."""
        self._store.rename(path, new)

    def drop_server(self, server, without, root):
        """Take a server id out of every ACL; `root` is what the root falls back to if a command is left with nobody."""
        for path in [found[0] for found in self._store.names()]:
            acl = self.acl(path)
            if acl:
                kept = without(acl, server)
                if not path and kept.count("=") < acl.count("="):
                    kept = root
                self.set_acl(path, kept)

    def _load(self, path):
        data = self._store.value(path)
        if not data:
            return 0, 0, "", "", ""
        version, own, size = struct.unpack_from(_HEAD, data, 0)
        at = _HEAD_SIZE + size
        stamp = _STAMP if own & 2 else 0
        texts = [str(part, "utf-8") for part in (data[_HEAD_SIZE:at], data[at : at + stamp], data[at + stamp :])]
        return version, own & 1, texts[0], texts[1], texts[2]

    def _save(self, path, version, own, acl, stamp, title):
        acl = acl.encode()
        head = struct.pack(_HEAD, version, own | (2 if stamp else 0), len(acl))
        self._store.set(path, 0, "", b"".join((head, acl, stamp.encode(), title.encode())))


def store_snapshot(store):
    """Return a function that gives the store's present blob."""
    return lambda: store.blob


def stamp(unix):
    """Return the time as text: 20010711T163817Z."""
    days, rest = unix // 86400, unix % 86400
    era_day = days + 719468  # days since the 1st of March of the year 0, which makes the leap day the last of its year
    era, day = era_day // 146097, era_day % 146097
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day = day - (153 * month + 2) // 5 + 1
    month, year = (month + 3, year) if month < 10 else (month - 9, year + 1)
    return "%04d%02d%02dT%02d%02d%02dZ" % (era * 400 + year, month, day, rest // 3600, rest // 60 % 60, rest % 60)
