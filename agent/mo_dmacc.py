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
_ROWS = (
    ("", _ROOT, "", 0),
    ("*", _NODE, MOI, 0),
    ("*/AppID", _CHR, "", 8),
    ("*/ServerID", _CHR, "", MAX_SERVER_ID),
    ("*/Name", _CHR, "", 64),
    ("*/PrefConRef", _CHR, "", 64),
    ("*/ToConRef", _NODE, "", 0),
    ("*/ToConRef/*", _NODE, "", 0),
    ("*/ToConRef/*/ConRef", _CHR, "", 64),
    ("*/AppAddr", _NODE, "", 0),
    ("*/AppAddr/*", _NODE, "", 0),
    ("*/AppAddr/*/Addr", _CHR, "", 255),
    ("*/AppAddr/*/AddrType", _CHR, "", 8),
    ("*/AppAddr/*/Port", _NODE, "", 0),
    ("*/AppAddr/*/Port/*", _NODE, "", 0),
    ("*/AppAddr/*/Port/*/PortNbr", _CHR, "", 5),
    ("*/AAuthPref", _CHR, "", 16),
    ("*/AppAuth", _NODE, "", 0),
    ("*/AppAuth/*", _NODE, "", 0),
    ("*/AppAuth/*/AAuthLevel", _CHR, "", 16),
    ("*/AppAuth/*/AAuthType", _CHR, "", 16),
    ("*/AppAuth/*/AAuthName", _CHR, "", 255),
    ("*/AppAuth/*/AAuthSecret", _SECRET, "", 128),
    ("*/AppAuth/*/AAuthData", _NONCE, "", 64),
    ("*/Ext", _NODE, "", 0),
    ("*/Ext/AlertSource", _CHR, "", 8),  # "exec": alerts name the Exec node, else x
    ("*/Ext/AlertFormat", _CHR, "", 8),
    ("*/Ext/RequestData", _CHR, "", 64),
)


class DMAcc(StoredObject):
    """The management object over the store of the accounts; a server that goes is taken out of the ACLs in `properties`."""

    def __init__(self, store, properties=None):
        super().__init__(store, _ROWS, MAX_ACCOUNTS)
        self._properties = properties

    def apply(self, op, path, value):
        """Do it; `check` has said yes."""
        server = self.store.text(path + "/ServerID") if op == _DELETE and "/" not in path else ""
        if server and self._properties:
            from agent.dm_acl import without

            self._properties.drop_server(server, without, _ROOT_ACL)
        return super().apply(op, path, value)
