"""The wiring of `make mem`'s device, as a board file does it: once, and then it is gone."""

import sys

IDENTITY = {
    "DevId": "mem:1",
    "Man": "m",
    "Mod": "x",
    "DmV": "1",
    "Lang": "en",
    "DevTyp": "t",
    "OEM": "o",
    "SwV": "1",
    "HwV": "1",
}


def make_client(kind, folder, bank, logs):
    """Wire a client as a board does."""
    from flash import blank_flash

    from agent.account import Accounts
    from agent.compat import unload
    from agent.dm_client import Client
    from agent.dm_nonces import Nonces
    from agent.dm_properties import Properties
    from agent.dm_store import Store
    from agent.dm_tree import Tree
    from agent.journal import Journal
    from agent.mo_devinfo import devdetail, devinfo

    settings = Journal(blank_flash(folder + "/settings", 6))
    journal = Journal(blank_flash(folder + "/journal", 3))
    store = Store(settings, 1, 1024)
    for path, form, value in ACCOUNT:
        store.set("a" + path, form, "", value.replace("*", "HMAC" if kind == "xml" else "DIGEST").encode())
    accounts = Accounts(store)
    objects = (
        ("DevInfo", devinfo(IDENTITY)),
        ("DevDetail", devdetail(IDENTITY, lambda: "1.0")),
        ("DMAcc", lambda: load_dmacc(store)),
        ("Logs", logs),
        ("FUMO", bank),
    )
    tree = Tree(
        objects, Properties(Store(settings, 2, 1024)), settings, (("", "Add=*&Get=*"), ("FUMO", "Get=*&Replace=srv"))
    )
    client = Client(tree, accounts, Nonces(journal, b"k" * 16), lambda size: b"\x12\x34"[:size])
    client.wbxml, client.small = kind == "wbxml", "whole" not in sys.argv
    unload(("mo_devinfo",))
    return client


def load_dmacc(store):
    """Bring the management object in when a server asks for it."""
    from agent.mo_dmacc import DMAcc

    return DMAcc(store)


ACCOUNT = (
    ("", 1, ""),
    ("/ServerID", 2, "srv"),
    ("/AppAddr/1/Addr", 2, "http://s/dm"),
    ("/AppAuth/c/AAuthLevel", 2, "CLCRED"),
    ("/AppAuth/c/AAuthType", 2, "*"),
    ("/AppAuth/c/AAuthName", 2, "user"),
    ("/AppAuth/c/AAuthSecret", 2, "pw"),
    ("/AppAuth/c/AAuthData", 5, "nonce-c"),
    ("/AppAuth/s/AAuthLevel", 2, "SRVCRED"),
    ("/AppAuth/s/AAuthType", 2, "*"),
    ("/AppAuth/s/AAuthName", 2, "srv"),
    ("/AppAuth/s/AAuthSecret", 2, "spw"),
    ("/AppAuth/s/AAuthData", 5, "nonce-s"),
)
