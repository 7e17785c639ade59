"""Turns the accounts of a provisioning (see identity.py) into the nodes that management servers see; needed once a start."""

import binascii

from agent.dm_store import Store

_LEAVES = (
    ("/ServerID", "server_id"),
    ("/AppAddr/1/Addr", "url"),
    ("/AAuthPref", "auth"),
    ("/AppAuth/c/AAuthType", "auth"),
    ("/AppAuth/c/AAuthName", "user"),
    ("/AppAuth/c/AAuthSecret", "secret"),
    ("/AppAuth/s/AAuthType", "server_auth"),
    ("/AppAuth/s/AAuthName", "server_user"),
    ("/AppAuth/s/AAuthSecret", "server_secret"),
    ("/Ext/AlertSource", "alert_source"),
    ("/Ext/AlertFormat", "alert_format"),
    ("/Ext/RequestData", "request_data"),
)
_NONCES = (("/AppAuth/c/AAuthData", "nonce"), ("/AppAuth/s/AAuthData", "server_nonce"))
_FIXED = (("/AppID", "w7"), ("/AppAuth/c/AAuthLevel", "CLCRED"), ("/AppAuth/s/AAuthLevel", "SRVCRED"))
_NODES = ("", "/AppAddr", "/AppAddr/1", "/AppAuth", "/AppAuth/c", "/AppAuth/s", "/Ext")
_QUOTA = 3072


class _Nowhere:
    """Stands for the journal of a store that only lives in RAM."""

    def get(self, key, into):
        return -1


def account_nodes(accounts):
    """Return the nodes below DMAcc as a Store keeps them: what the settings begin with."""
    store = Store(_Nowhere(), 0, _QUOTA)
    for account in accounts:
        name = account.get("name", account["server_id"])
        for path in _NODES:
            store.set(name + path, 1, "urn:oma:mo:oma-dm-dmacc:1.0" if not path else "", b"")
        for path, text in _FIXED:
            store.set(name + path, 2, "", text.encode())
        for path, key in _LEAVES:
            if account.get(key):
                store.set(name + path, 2, "", account[key].encode())
        for path, key in _NONCES:
            store.set(name + path, 5, "", binascii.unhexlify(account.get(key, "")))
    return store.blob
