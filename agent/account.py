"""The management servers that the device knows: what a session needs of their accounts, read out of the store below DMAcc."""

_TYPES = ("", "BASIC", "DIGEST", "HMAC")  # the numbers are those of dm_auth


class Accounts:
    """Views on the store that mo_dmacc lets servers change."""

    def __init__(self, store):
        self.store = store

    def names(self):
        """Return the accounts' node names."""
        return [found[0] for found in self.store.names() if "/" not in found[0]]

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
