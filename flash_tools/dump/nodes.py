"""The values of the settings' journal: accounts, properties and PkgURL leaves as nodes. Secrets show their size only."""

import struct
from types import SimpleNamespace

from agent import dm_store
from agent.dm_properties import Properties
from flash_tools.dump.hide import hidden, text, url

ACCOUNTS, PROPERTIES, URLS = 1, 2, 3
NAMES = {ACCOUNTS: "accounts", PROPERTIES: "properties", URLS: "pkg_urls"}
# What servers may read of an account; whatever else stands there is hidden.
_SHOWN = (
    "AppID", "ServerID", "Name", "PrefConRef", "ConRef", "AddrType", "PortNbr", "AAuthPref", "AAuthLevel", "AAuthType",
    "AAuthName", "AlertSource", "AlertFormat", "RequestData",
)  # fmt: skip
_NODE = 1


def decode(values: dict) -> dict:
    """Return the values of {key: slots.Value} by name."""
    return {NAMES.get(key, "key %d" % key): decode_one(value) for key, value in sorted(values.items())}


def decode_one(value) -> dict:
    """Return one value in words."""
    if value.key not in NAMES:
        return {"not_understood": "%d bytes" % len(value.data)}
    store = SimpleNamespace(blob=value.data)
    found = {"bytes": len(value.data), "nodes": []}
    try:
        for path, form, kind, start, size in dm_store.Store.names(store):
            if start + size > len(value.data):
                found["broken"] = "a node sticks out of the value"
                break
            found["nodes"].append(_node(value.key, path, form, kind, value.data[start : start + size]))
    except (ValueError, struct.error) as e:
        found["broken"] = str(e)
    return found


def _node(key, path, form, kind, data):
    node = {"path": path, "type": kind} if kind else {"path": path}
    if key == PROPERTIES:
        return {**node, **_properties(data)}
    if form == _NODE:
        return node
    leaf = path.rpartition("/")[2]
    if key == URLS or leaf == "Addr":
        return {**node, "value": url(text(data))}
    return {**node, "value": text(data) if leaf in _SHOWN else hidden(data)}


def _properties(data):
    store = SimpleNamespace(value=lambda path: data, changes=0, saved=0, reload=0, set=0, names=0, delete=0, rename=0)
    version, own, acl, changed, title = Properties(store).load("")
    return {"version": version, "acl": acl if own else None, "changed": changed, "title": title}
