"""Changes of dm_properties.Properties. Loaded when a server changes something."""

import struct

from agent.dm_properties import MAX_TITLE
from agent.errors import ProtocolError

_HEAD = "<HBH"  # as in dm_properties


def set_acl(properties, path, acl):
    """Set the ACL of a node."""
    version, _, _, stamp, title = properties.load(path)
    _save(properties, path, version, 1, acl, stamp, title)


def set_title(properties, path, title):
    """Set the Title."""
    if len(title.encode()) > MAX_TITLE:
        raise ProtocolError("the title is too long", 413)
    version, own, acl, stamp, _ = properties.load(path)
    _save(properties, path, version, own, acl, stamp, title)


def touch(properties, path):
    """Count a change; what does not fit any more goes uncounted."""
    version, own, acl, stamp, title = properties.load(path)
    now = properties.now
    try:
        _save(properties, path, version + 1 & 0xFFFF, own, acl, (now and now()) or stamp, title)
    except ProtocolError:
        pass


def drop_server(properties, server, without, root):
    """Take a server id out of every ACL; `root` is what the root falls back to if a command is left with nobody."""
    for path in [found[0] for found in properties.names()]:
        acl = properties.acl(path)
        if acl:
            kept = without(acl, server)
            if not path and kept.count("=") < acl.count("="):
                kept = root
            set_acl(properties, path, kept)


def _save(properties, path, version, own, acl, stamp, title):
    acl = acl.encode()
    head = struct.pack(_HEAD, version, own | (2 if stamp else 0), len(acl))
    properties.set(path, 0, "", b"".join((head, acl, stamp.encode(), title.encode())))
