"""How what stands beside a node's value changes. See dm_properties.py; who may change it is decided in dm_edit_nodes.py."""

import struct

from agent.compat import const
from agent.dm_properties import Properties
from agent.errors import ProtocolError

MAX_TITLE = const(255)
_HEAD = "<HBH"  # as in dm_properties


class Editing(Properties):
    """What a Properties does when something changes."""

    def forget(self, path):
        """Drop what is known of a node and of those below it."""
        self.store.delete(path)

    def rename(self, path, new):
        """Move what is known of a node and of those below it."""
        self.store.rename(path, new)

    def set_acl(self, path, acl):
        """Set the ACL of a node."""
        version, _, _, stamp, title = self.load(path)
        self._save(path, version, 1, acl, stamp, title)

    def set_title(self, path, title):
        """Set the Title."""
        if len(title.encode()) > MAX_TITLE:
            raise ProtocolError("the title is too long", 413)
        version, own, acl, stamp, _ = self.load(path)
        self._save(path, version, own, acl, stamp, title)

    def touch(self, path):
        """Count a change; what does not fit any more goes uncounted."""
        version, own, acl, stamp, title = self.load(path)
        try:
            self._save(path, version + 1 & 0xFFFF, own, acl, (self.now and self.now()) or stamp, title)
        except ProtocolError:
            pass

    def drop_server(self, server, root):
        """Take a server id out of every ACL; `root` is what the root falls back to if a command is left with nobody."""
        from agent.dm_acl import without

        for path in [found[0] for found in self.store.names()]:
            acl = self.acl(path)
            if acl:
                kept = without(acl, server)
                if not path and kept.count("=") < acl.count("="):
                    kept = root
                self.set_acl(path, kept)

    def _save(self, path, version, own, acl, stamp, title):
        acl = acl.encode()
        head = struct.pack(_HEAD, version, own | (2 if stamp else 0), len(acl))
        self.store.set(path, 0, "", b"".join((head, acl, stamp.encode(), title.encode())))
