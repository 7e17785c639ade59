"""The Inbox: whoever may Add there hands in a description, and it is placed by what it describes. Nothing can be read.

tnds_reader finds the path of each top node by `places`; what lies below it then passes the object that it belongs to, but no
ACL: who may add an account is the Inbox's ACL to say.
"""

from agent.compat import const
from agent.mo_leaves import Leaves

ACCOUNT = "urn:oma:mo:oma-dm-dmacc:1.0"
_PERMANENT = const(1 << 8 | 1)  # an interior node; Add


class Inbox(Leaves):
    """`places` is a tuple of (Type of the top node, path that new ones go below)."""

    def __init__(self, places=((ACCOUNT, "DMAcc"),)):
        super().__init__("", ())
        self.places = places

    def kind(self, path):
        """Return the node's kind, 0 where there is none."""
        return 0 if path else _PERMANENT
