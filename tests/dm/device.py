"""The device of the session tests: a client with a tree that has everything, made from a dict that JSON can hold.

Must run on both interpreters. `Device(config)` is the same device wherever it is made; `run` drives one session the way
a board does, with `post(request, body)` for the network: (body, mac, bytes that arrive or None) or None for no answer.
"""

import sys

from agent.account import Accounts
from agent.compat import crc32
from agent.dm_client import Client
from agent.dm_nonces import Nonces
from agent.dm_properties import Properties
from agent.dm_session import Session
from agent.dm_store import Store
from agent.dm_tree import Tree
from agent.errors import LinkError
from agent.mo_devinfo import devdetail, devinfo
from agent.mo_dmacc import DMAcc
from agent.mo_stored import StoredObject
from agent.own_alert import own_alert
from tests.dm.objects import AREA, Bank, Big, Clock, Codes, DictJournal, Stubborn, User, nor_journal

ID = "IMEI:490154203237518"
URL = "http://dm.example/dm?x=1"
SERVER, SERVER_SECRET, SERVER_NONCE = "srv", "spw", b"server-nonce"
USER, SECRET, CLIENT_NONCE = "user", "pw", b"client-nonce"
MOST = 400  # exchanges of one session
_IDENTITY = {
    "DevId": ID,
    "Man": "Maker",
    "Mod": "M&M <1>",
    "DmV": "1.0",
    "Lang": "en",
    "DevTyp": "t",
    "OEM": "o",
    "SwV": "1",
    "HwV": "1",
}
_TYPES = {"MAC": "HMAC", "md5": "DIGEST", "basic": "BASIC"}
_ACLS = (
    ("", "Add=*&Get=*"),
    ("FUMO", "Get=*&Replace=srv&Exec=srv"),
    ("DMAcc", "Get=*&Add=srv&Replace=srv&Delete=srv"),
    ("Area", "Add=srv&Get=*&Replace=srv&Delete=srv"),
    ("Stubborn", "Get=*&Replace=srv"),
    ("Codes", "Get=*&Replace=srv&Exec=srv&Add=srv"),
    ("Area/locked", "Get=other"),
)
_NODES = (
    ("here", 1, ""),
    ("here/chr", 2, "old"),
    ("here/int", 3, "7"),
    ("locked", 1, ""),
    ("locked/chr", 2, "x"),
    ("secret", 2, "s"),
)
DEFAULTS = {
    "wbxml": False,
    "auth": "MAC",
    "secure": False,
    "insecure": False,
    "session_id": 0,
    "resync": False,
    "opening": [{"code": "1201"}],
    "arena": 5120,
    "nor": False,  # the real journal for the settings, on a simulated chip
    "quota": 2048,
    "fails_at": None,  # the put of the settings from which on flash is broken
    "bank": {},
    "max_object": 1 << 20,
    "small": False,  # on MicroPython, where code can be unloaded
    "ui": None,  # a list of answers, see User
    "acls": [],
    "nodes": [],
    "url": URL,
    "firmware": None,  # the options of a real FUMO object, see firmware.py; else FUMO is objects.Bank
    "account": [],  # (path below the account, format, value), instead of or beside what _accounts says
}


class Device:
    """`client`, and what tests look at: `bank`, `clock`, `user`, `settings` (the journal), `answered`, `said`."""

    def __init__(self, config):
        self.config = dict(DEFAULTS)
        self.config.update(config)
        config = self.config
        self.version = "1.0"
        self.settings = nor_journal() if config["nor"] else DictJournal()
        self.bank, self.clock, self.answered, self.said, self._drawn = Bank(**config["bank"]), Clock(), [], [], 0
        self.user = None if config["ui"] is None else User(config["ui"])
        self.firmware = None if config["firmware"] is None else self._firmware(config["firmware"])
        accounts = self._accounts()
        self.area = StoredObject(self._area(), AREA)
        tree = self._tree(DMAcc(accounts))
        nonces = Nonces(DictJournal(), b"k" * 16)
        self.client = client = Client(tree, Accounts(accounts), nonces, self._random, self.user, config["arena"])
        client.wbxml, client.insecure, client.max_object = config["wbxml"], config["insecure"], config["max_object"]
        client.small = config["small"] and sys.implementation.name == "micropython"
        client.log = self._log
        if not config["nor"]:
            self.settings.puts, self.settings.fails_at = [], config["fails_at"]

    def _accounts(self):
        store = Store(self.settings, 1, 2048)
        kind, rows = _TYPES[self.config["auth"]], [("", 1, ""), ("/AppID", 2, "w7"), ("/ServerID", 2, SERVER)]
        rows += [
            ("/AppAddr", 1, ""),
            ("/AppAddr/1", 1, ""),
            ("/AppAddr/1/Addr", 2, self.config["url"]),
            ("/AppAuth", 1, ""),
        ]
        credentials = (
            ("c", "CLCRED", USER, SECRET, CLIENT_NONCE),
            ("s", "SRVCRED", SERVER, SERVER_SECRET, SERVER_NONCE),
        )
        for name, level, user, secret, nonce in credentials:
            top = "/AppAuth/" + name
            rows += [
                (top, 1, ""),
                (top + "/AAuthLevel", 2, level),
                (top + "/AAuthType", 2, kind),
                (top + "/AAuthName", 2, user),
            ]
            rows += [(top + "/AAuthSecret", 2, secret), (top + "/AAuthData", 5, nonce)]
        for path, form, value in rows + self.config["account"]:
            store.set("a" + path, form, "", value.encode() if isinstance(value, str) else value)
        return self._provision(store)

    def _provision(self, store):
        self.settings.put(store.changes())
        store.saved()
        return store

    def _area(self):
        store = Store(self.settings, 3, self.config["quota"])
        for path, form, value in list(_NODES) + self.config["nodes"]:
            store.set(path, form, "", value.encode())
        return self._provision(store)

    def _firmware(self, options):
        from tests.dm.firmware import Firmware

        return Firmware(self.settings, options)

    def _tree(self, accounts):
        objects = (
            ("DevInfo", devinfo(_IDENTITY)),
            ("DevDetail", devdetail(_IDENTITY, lambda: self.version)),
            ("DMAcc", accounts),
            ("Area", self.area),
            (self.firmware.fumo.uri[2:], self.firmware.fumo) if self.firmware else ("FUMO", self.bank),
            ("Stubborn", Stubborn()),
            ("Codes", Codes()),
            ("Clock", self.clock),
            ("Big", Big()),
        )
        if self.firmware:
            objects += ((self.firmware.fumo.uri[2:] + "/Ext", self.firmware.ext),)
        acls = _ACLS + tuple([tuple(acl) for acl in self.config["acls"]])
        return Tree(objects, Properties(Store(self.settings, 2, 2048)), self.settings, acls)

    def _random(self, size):
        self._drawn += 1
        return bytes([(self._drawn * 37 + i) & 255 for i in range(size)])

    def _log(self, text, *arguments):
        self.said.append(text % arguments)

    def value(self, path):
        """Return the value of a leaf of the area, None where there is none."""
        return self.area.store.value(path)

    def session(self):
        """Begin a session."""
        client, config = self.client, self.config
        account = client.accounts.account("a")
        opening = [self._alert(i, config["opening"][i]) for i in range(len(config["opening"]))]
        return Session(
            client, account, opening, config["secure"], session_id=config["session_id"], resync=config["resync"]
        )

    def _alert(self, number, options):
        return own_alert(on_status=lambda code, authentic: self.answered.append([number, code, authentic]), **options)

    def summary(self, session):
        """Return what became of everything, for the comparison of two runs."""
        bank, failure = self.bank, session.failure
        said = None if failure is None else [str(failure), failure.code]
        asked = [_plain(each) for each in self.user.asked] if self.user else []
        state = [
            session.over,
            said,
            session.url,
            crc32(bank.got),
            [list(entry) for entry in bank.log],
            crc32(self.area.store.blob),
        ]
        return repr(
            state
            + [
                self.answered,
                len(self.said),
                self.said[-1:],
                asked,
                self.clock.readings,
                crc32(self.client.tree.properties.store.blob),
                self.firmware.summary() if self.firmware else [],
            ]
        )


def _plain(thing):
    """Return the same with bytes for texts: the interpreters show texts in different ways."""
    if isinstance(thing, str):
        return thing.encode()
    return [_plain(part) for part in thing] if isinstance(thing, (list, tuple)) else thing


def run(session, post, pieces=300, most=MOST):
    """Hold the session to its end; the answers come in pieces of so many bytes. Return the number of exchanges."""
    for number in range(most):
        if session.over:
            return number
        request = session.request()
        if not request:
            return number
        body = b"".join([bytes(piece) for piece in session.body()])
        if len(body) != request.length:
            raise ValueError("%d bytes, not %d" % (len(body), request.length))
        answer = post(request, body)
        if answer is None:
            session.no_answer()
        else:
            take(session, answer, pieces)
    raise LinkError("the session does not end")


def take(session, answer, pieces):
    """Hand over one answer: (body, mac, how many of its bytes arrive or None for all)."""
    body, mac, cut = answer
    end = len(body) if cut is None else cut
    session.begin_answer(mac)
    at, view = 0, memoryview(body)
    for _ in range(40 * len(body) + 1000):
        if at >= end:
            break
        at += session.receive(view[at : min(at + pieces, end)])
    else:
        raise ValueError("the flash is busy for ever")
    if cut is not None:
        session.no_answer()
        return
    for _ in range(1000):
        if session.end_answer():
            break
    else:
        raise ValueError("the answer does not end")
    for _ in range(3000):
        if not session.step():
            return
    raise ValueError("the message is never done")
