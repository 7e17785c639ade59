"""The Inbox: whoever may Add there hands in a description, and it is placed by what it describes. Nothing can be read.

tnds_reader asks `place` for the path of each top node; what lies below it then passes the object that it belongs to, but no
ACL: who may add an account is the Inbox's ACL to say.
"""

from agent.compat import const
from agent.dm_tree import refuse
from agent.dm_uri import join
from agent.mo_leaves import Leaves

_PERMANENT = const(1 << 8 | 1)  # an interior node; Add


class Inbox(Leaves):
    """`places` is a tuple of (Type of the top node, path that new ones go below)."""

    def __init__(self, places):
        super().__init__("", ())
        self._places = places

    def kind(self, path):
        """Return the node's kind, 0 where there is none."""
        return 0 if path else _PERMANENT

    def place(self, tree, moi, name):
        """Return the path of a node that does not exist yet."""
        for known, top in self._places:
            if known == moi:
                number, path = 0, join(top, name)
                while not name or tree.kind(path):
                    number += 1
                    name = "x%d" % number
                    path = join(top, name)
                return path
        refuse(415, "nobody knows what to do with it")
