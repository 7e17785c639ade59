"""DMAcc: the management servers that the device knows, at most four, and what it takes to prove who is who.

Each account is a subtree that a server may change; secrets can be written and never read. A session asks for an Account,
which reads its fields out of the tree once.
"""

from agent.compat import const
from agent.mo_stored import StoredObject

MOI = "urn:oma:mo:oma-dm-dmacc:1.0"
MAX_ACCOUNTS = const(4)
MAX_SERVER_ID = const(255)
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
BASIC, MD5, MAC = 1, 2, 3
_TYPES = ("", "BASIC", "DIGEST", "HMAC")


class Accounts(StoredObject):
    """The management object, with views for the session."""

    def __init__(self, store):
        super().__init__(store, _ROWS, MAX_ACCOUNTS)

    def names(self):
        """Return the accounts' node names."""
        return self.children("")

    def account(self, name):
        """Return the account."""
        return Account(name, self.store)

    def by_server(self, server_id):
        """Return the account of the server, None where there is none."""
        for name in self.names():
            if self.store.text(name + "/ServerID") == server_id:
                return Account(name, self.store)
        return None


class Account:
    """What a session needs to know of one server."""

    def __init__(self, name, store):
        self.name = name
        self.server_id = store.text(name + "/ServerID")
        self.url = _url(name, store)
        self.preferred = _type_number(store.text(name + "/AAuthPref"))
        self.alert_source = store.text(name + "/Ext/AlertSource")
        self.alert_format = store.text(name + "/Ext/AlertFormat", "int")
        self.request_data = store.text(name + "/Ext/RequestData")
        self.client = Credential(name, store, "CLCRED")
        self.server = Credential(name, store, "SRVCRED")


class Credential:
    """Name, secret, type and the nonce that provisioning gave for one direction."""

    def __init__(self, account, store, level):
        self.user, self.secret, self.kind, self.nonce = "", "", 0, b""
        below = account + "/AppAuth/"
        for found in store.names():
            path = found[0]
            if path.startswith(below) and path.endswith("/AAuthLevel") and store.text(path) == level:
                top = path[: -len("AAuthLevel")]
                self.kind = _type_number(store.text(top + "AAuthType"))
                self.user = store.text(top + "AAuthName")
                self.secret = store.text(top + "AAuthSecret")
                self.nonce = store.value(top + "AAuthData") or b""


def _type_number(text):
    return _TYPES.index(text) if text in _TYPES else 0


def _url(name, store):
    """Return the first address; a port that is not in it is put there."""
    below = name + "/AppAddr/"
    for found in store.names():
        path = found[0]
        if path.startswith(below) and path.endswith("/Addr"):
            return _with_port(store.text(path), _port(path[: -len("Addr")] + "Port/", store))
    return ""


def _port(below, store):
    for found in store.names():
        if found[0].startswith(below) and found[0].endswith("/PortNbr"):
            return store.text(found[0])
    return ""


def _with_port(url, port):
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not port or not rest or ":" in host.split("]")[-1]:
        return url
    return scheme + "://" + host + ":" + port + slash + path
