"""Notifications made by the formula in the text, and a small device that gets them."""

import binascii

from agent.account import Accounts
from agent.compat import md5
from agent.dm_nonces import Nonces
from agent.dm_store import Store
from agent.notification import Notifications
from ports.sim.clock import Clock

SERVER, USER, SECRET = "com.mgmtsrv.manage", "manager", "secret"
NONCE = bytes(range(16))
ZERO = b"\x00" * 4
UDH = b"\x06\x05\x04\x0b\x84\xc0\x02"
WSP = b"\x01\x06\x03\xc4\xaf\x87"


class Memory:
    """A journal that forgets nothing and counts how often it is written."""

    def __init__(self):
        self.values, self.writes = {}, 0

    was_clean = True

    def get(self, key, into):
        data = self.values.get(key)
        if data is None:
            return -1
        into[: len(data)] = data
        return len(data)

    def note(self, key, data):
        self.put(((key, data),))

    def put(self, changes):
        self.writes += 1
        for key, data in changes:
            self.values[key] = bytes(data)


class Device:
    """What the judge needs, with one account; `known` is a journal that is not new."""

    def __init__(self, server=SERVER, user=USER, secret=SECRET, nonce=NONCE, known=True, log=None):
        self.journal, self.clock = Memory(), Clock()
        self.nonces = Nonces(self.journal, b"key")
        if known:
            self.nonces.begin(0xFFFE)
        store = Store(Memory(), 1, 4096)
        below = "fw/AppAuth/s/"
        for name in ("other", "fw"):
            store.set(name, 1, "", b"")
        store.set("other/ServerID", 2, "", b"other server")
        for path, value in (
            ("fw/ServerID", server.encode()),
            (below + "AAuthLevel", b"SRVCRED"),
            (below + "AAuthName", user.encode()),
            (below + "AAuthSecret", secret.encode()),
            (below + "AAuthData", nonce),
        ):
            store.set(path, 2, "", value)
        self.accounts = Accounts(store)
        self.log = log
        self.restart()

    def restart(self):
        """Begin as after a reset."""
        self.nonces = Nonces(self.journal, b"key")
        self.judge = Notifications(self.accounts, self.nonces, self.clock, self.log).judge


def trigger(session=0x1234, server=SERVER, ui_mode=1, initiator=1, version=11, vendor=b"", future=0):
    """Return what the digest is over."""
    name = server if isinstance(server, bytes) else server.encode()
    flags = version << 30 | ui_mode << 28 | initiator << 27 | future
    return flags.to_bytes(5, "big") + session.to_bytes(2, "big") + bytes([len(name)]) + name + vendor


def seal(body, nonce=NONCE, user=SERVER, secret=SECRET):
    """Put the digest in front, by the formula in the text."""
    a = encode64(md5(("%s:%s" % (user, secret)).encode()).digest())
    return md5(a + b":" + nonce + b":" + encode64(md5(body).digest())).digest() + body


def encode64(data):
    """Return base64 without a line end."""
    return binascii.b2a_base64(data).strip()


GOOD = seal(trigger())
