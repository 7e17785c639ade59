"""DMAcc: the management servers that the device knows, at most four, as servers see and change them.

Secrets can be written and never read. What a session needs of an account is account.py's matter.
"""

from agent.compat import const
from agent.mo_stored import StoredObject

MOI = "urn:oma:mo:oma-dm-dmacc:1.0"
MAX_ACCOUNTS = const(4)
MAX_SERVER_ID = const(255)
_DELETE = const(4)
_ROOT_ACL = "Add=*&Get=*"
_NODE = const(1 << 8 | 64 | 16 | 1 | 4)  # dynamic: Get, Add, Delete
_ROOT = const(1 << 8 | 16 | 1)
_CHR = const(2 << 8 | 64 | 16 | 1 | 4 | 32)  # Replace too
_SECRET = const(2 << 8 | 64 | 1 | 4 | 32)  # no Get
_NONCE = const(5 << 8 | 64 | 1 | 4 | 32)
_LETTERS = "RNCSB"
_KINDS = (_ROOT, _NODE, _CHR, _SECRET, _NONCE)
# One word a row: letter of the kind, largest value, pattern. As tuples they would take five times the memory.
_ROWS = (
    "R: N:* C8:*/AppID C255:*/ServerID C64:*/Name C64:*/PrefConRef N:*/ToConRef N:*/ToConRef/* "
    "C64:*/ToConRef/*/ConRef N:*/AppAddr N:*/AppAddr/* C255:*/AppAddr/*/Addr C8:*/AppAddr/*/AddrType "
    "N:*/AppAddr/*/Port N:*/AppAddr/*/Port/* C5:*/AppAddr/*/Port/*/PortNbr C16:*/AAuthPref N:*/AppAuth "
    "N:*/AppAuth/* C16:*/AppAuth/*/AAuthLevel C16:*/AppAuth/*/AAuthType C255:*/AppAuth/*/AAuthName "
    "S128:*/AppAuth/*/AAuthSecret B64:*/AppAuth/*/AAuthData N:*/Ext C8:*/Ext/AlertSource C8:*/Ext/AlertFormat "
    "C64:*/Ext/RequestData"
)


class DMAcc(StoredObject):
    """The management object over the store of the accounts; a server that goes is taken out of the ACLs in `properties`."""

    def __init__(self, store, properties=None):
        super().__init__(store, (), MAX_ACCOUNTS)
        self._properties = properties

    def rows(self):
        """Yield the rows."""
        for word in _ROWS.split():
            head, _, pattern = word.partition(":")
            kind = _KINDS[_LETTERS.find(head[0])]
            yield pattern, kind, MOI if pattern == "*" else "", int(head[1:] or 0)

    def apply(self, op, path, value):
        """Do it; `check` has said yes."""
        server = self.store.text(path + "/ServerID") if op == _DELETE and "/" not in path else ""
        if server and self._properties:
            from agent.dm_acl import without

            self._properties.drop_server(server, without, _ROOT_ACL)
        return super().apply(op, path, value)
