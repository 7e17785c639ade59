"""DMAcc: the management servers that the device knows, at most four, as servers see and change them.

Secrets can be written and never read. What a session needs of an account is account.py's matter.
"""

from agent.compat import const
from agent.mo_stored import StoredObject

MAX_ACCOUNTS = const(4)
_DELETE = const(4)
_ROOT_ACL = "Add=*&Get=*"
_ROWS = (  # see mo_stored; S is a secret
    "R: N:*=urn:oma:mo:oma-dm-dmacc:1.0 C8:*/AppID C255:*/ServerID C64:*/Name C64:*/PrefConRef N:*/ToConRef "
    "N:*/ToConRef/* C64:*/ToConRef/*/ConRef N:*/AppAddr N:*/AppAddr/* C255:*/AppAddr/*/Addr C8:*/AppAddr/*/AddrType "
    "N:*/AppAddr/*/Port N:*/AppAddr/*/Port/* C5:*/AppAddr/*/Port/*/PortNbr C16:*/AAuthPref N:*/AppAuth "
    "N:*/AppAuth/* C16:*/AppAuth/*/AAuthLevel C16:*/AppAuth/*/AAuthType C255:*/AppAuth/*/AAuthName "
    "S128:*/AppAuth/*/AAuthSecret B64:*/AppAuth/*/AAuthData N:*/Ext C8:*/Ext/AlertSource C8:*/Ext/AlertFormat "
    "C64:*/Ext/RequestData"
)


class DMAcc(StoredObject):
    """The management object over the store of the accounts; a server that goes is taken out of the ACLs in `properties`."""

    def __init__(self, store, properties=None):
        super().__init__(store, _ROWS, MAX_ACCOUNTS)
        self._properties = properties

    def apply(self, op, path, value):
        """Do it; `check` has said yes."""
        from agent.mo_stored_edit import Editing

        server = self.store.text(path + "/ServerID") if op == _DELETE and "/" not in path else ""
        if server and self._properties:
            self._properties.drop_server(server, _ROOT_ACL)
        return Editing.apply(self, op, path, value)
