"""The management servers that the device knows: what a session needs of their accounts, read out of the store below DMAcc."""

from agent.fields import Fields

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
        return _account(name, self.store)

    def by_server(self, server_id):
        """Return the account of the server, None where there is none."""
        for name in self.names():
            if self.store.text(name + "/ServerID") == server_id:
                return self.account(name)
        return None


def _account(name, store):
    """Return what a session needs to know of one server."""
    account = Fields()
    account.name = name
    account.server_id = store.text(name + "/ServerID")
    account.url = _url(store, name + "/AppAddr/")
    account.secure = account.url[:6].lower() == "https:"
    account.preferred = _type_number(store, name + "/AAuthPref")
    account.alert_source = store.text(name + "/Ext/AlertSource")
    account.alert_format = store.text(name + "/Ext/AlertFormat", "int")
    account.request_data = store.text(name + "/Ext/RequestData")
    account.client = _credential(name, store, "CLCRED")
    account.server = _credential(name, store, "SRVCRED")
    return account


def _credential(account, store, level):
    """Return name, secret, type and the nonce that provisioning gave for one direction."""
    auth, found = "", Fields()  # no such nodes: everything is empty
    for top in _tops(store, account + "/AppAuth/", "Level"):  # .../AAuth
        if store.text(top + "Level") == level:
            auth = top
    found.user, found.secret = store.text(auth + "Name"), store.text(auth + "Secret")
    found.kind, found.nonce = _type_number(store, auth + "Type"), store.value(auth + "Data") or b""
    return found


def _type_number(store, path):
    text = store.text(path)
    return _TYPES.index(text) if text in _TYPES else 0


def _tops(store, below, leaf):
    """Yield the paths that begin with `below` and end with `leaf`, without that end."""
    for found in store.names():
        path = found[0]
        if path.startswith(below) and path.endswith(leaf):
            yield path[: -len(leaf)]


def _url(store, below):
    """Return the first address; a port that is not in it is put there."""
    for top in _tops(store, below, "/Addr"):
        url = store.text(top + "/Addr")
        for port in _tops(store, top + "/Port/", "/PortNbr"):
            return _with_port(url, store.text(port + "/PortNbr"))
        return url
    return ""


def _with_port(url, port):
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not port or not rest or ":" in host.split("]")[-1]:
        return url
    return scheme + "://" + host + ":" + port + slash + path
