"""Access control lists: `Get=*&Replace=a+b`. One command, one set of server ids; `*` is everybody; empty is "as above".

Pure functions over the text. Must not know the tree: who inherits from whom is dm_tree's matter.
"""

from agent.compat import const
from agent.errors import ProtocolError

MAX_SIZE = const(256)
_COMMANDS = ("Add", "Delete", "Exec", "Get", "Replace")


def check(acl):
    """Return the list as it is kept; raise ProtocolError where it is not one."""
    if len(acl) > MAX_SIZE:
        raise ProtocolError("the ACL is too long", 420)
    acl = acl.strip()
    seen = []
    for entry in acl.split("&") if acl else ():
        command, _, ids = entry.partition("=")
        if command not in _COMMANDS or command in seen:
            raise ProtocolError("the ACL names a command that there is not, or twice", 400)
        seen.append(command)
        for name in ids.split("+"):
            if not _is_id(name):
                raise ProtocolError("the ACL has a bad server id", 400)
    return acl


def _is_id(name):
    if name == "*":
        return True
    for byte in name.encode():
        if byte in b"=&*+" or not 0x21 <= byte <= 0x7E:
            return False
    return bool(name)


def without(acl, server):
    """Return the list after `server` has gone; commands left with nobody vanish."""
    kept = []
    for entry in acl.split("&") if acl else ():
        command, _, ids = entry.partition("=")
        ids = [name for name in ids.split("+") if name != server]
        if ids:
            kept.append(command + "=" + "+".join(ids))
    return "&".join(kept)


def for_creator(server):
    """Return what a new interior node gets whose creator could not change it otherwise."""
    return "Add=%s&Delete=%s&Get=*&Replace=%s" % (server, server, server)
