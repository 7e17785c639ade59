"""The device of `make mem`: one management session over stdin and stdout, run by MicroPython from precompiled modules.

Arguments: xml or wbxml, the folder for the flash files. Flash is a file, as it is a chip on a board: no heap of ours. What
the run imports is what a session imports; the names of the agent's modules go to stderr at the end.
"""

import sys

_LEAF = 1024


class FileRegion:
    """Three erased sectors in a file, as much of a Flash as the journal asks for."""

    erase_units = ((4096, 1),)
    program_unit = 1

    def __init__(self, path, sectors):
        self.size = 4096 * sectors
        with open(path, "wb") as f:
            for _ in range(sectors * 16):
                f.write(b"\xff" * 256)
        self._file = open(path, "r+b")

    def read(self, addr, into):
        self._file.seek(addr)
        self._file.readinto(into)

    def program(self, addr, data):
        self._file.seek(addr)
        self._file.write(data)

    def erase(self, addr, size):
        self._file.seek(addr)
        for _ in range(size // 256):
            self._file.write(b"\xff" * 256)

    def busy(self):
        return False


class Logs:
    """Sixty-four leaves of one KiB, made up while they are read."""

    def kind(self, path):
        return 2 << 8 | 16 if path else 1 << 8 | 16

    def type_of(self, path):
        return "text/plain" if path else ""

    def children(self, path):
        return () if path else ("%02d" % i for i in range(64))

    def size(self, path):
        return _LEAF if path else 0

    def read(self, path, offset, into):
        count = min(len(into), _LEAF - offset)
        for i in range(count):
            into[i] = 97 + (offset + i) % 26
        return count

    def check(self, op, path, value):
        return 405

    apply = check

    def snapshot(self):
        return None

    def restore(self, snapshot):
        return True

    def changes(self):
        return ()

    def saved(self):
        pass


class Bank(Logs):
    """Stands for the bank: takes the package, keeps its checksum."""

    def __init__(self, crc32):
        self._crc32, self.crc, self.size_taken = crc32, 0, 0

    def kind(self, path):
        return 5 << 8 | 32 | 128 if path == "Update/PkgData" else 1 << 8 | 16 if path in ("", "Update") else 0

    def children(self, path):
        return ("Update",) if not path else ("PkgData",)

    def check(self, op, path, value):
        return 200

    def apply(self, op, path, value):
        return 200

    def write(self, path, offset, data):
        self.crc = self._crc32(data, self.crc)
        self.size_taken += len(data)
        return len(data)

    def abandon(self, path):
        pass


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


def make_client(kind, folder):
    """Wire a client as a board does."""
    from agent.account import Accounts
    from agent.compat import crc32
    from agent.dm_client import Client
    from agent.dm_nonces import Nonces
    from agent.dm_properties import Properties
    from agent.dm_store import Store
    from agent.dm_tree import Tree
    from agent.journal import Journal
    from agent.mo_devinfo import devdetail, devinfo

    settings = Journal(FileRegion(folder + "/settings", 6))
    journal = Journal(FileRegion(folder + "/journal", 3))
    store = Store(settings, 1, 1024)
    for path, form, value in ACCOUNT:
        store.set("a" + path, form, "", value.replace("*", "HMAC" if kind == "xml" else "DIGEST").encode())
    accounts, bank = Accounts(store), Bank(crc32)
    objects = (
        ("DevInfo", devinfo(IDENTITY)),
        ("DevDetail", devdetail(IDENTITY, lambda: "1.0")),
        ("DMAcc", lambda: load_dmacc(store)),
        ("Logs", Logs()),
        ("FUMO", bank),
    )
    tree = Tree(
        objects, Properties(Store(settings, 2, 1024)), settings, (("", "Add=*&Get=*"), ("FUMO", "Get=*&Replace=srv"))
    )
    client = Client(tree, accounts, Nonces(journal, b"k" * 16), lambda size: b"\x12\x34"[:size])
    client.wbxml, client.small = kind == "wbxml", "whole" not in sys.argv
    return client, bank


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


def run(client, secure):
    """Hold the session: each message goes out as a line of facts and a body, and so comes the answer."""
    from agent.dm_session import Session
    from agent.own_alert import OwnAlert

    session = Session(client, client.accounts.account("a"), (OwnAlert("1201"),), secure)
    source, sink, buffer = sys.stdin.buffer, sys.stdout.buffer, memoryview(bytearray(256))
    while not session.over:
        request = session.request()
        if not request:
            break
        sink.write(("%d %s\t%s\n" % (request.length, request.content_type, request.mac or "")).encode())
        for piece in session.body():
            sink.write(piece)
        if hasattr(sink, "flush"):
            sink.flush()
        size, _, mac = str(source.readline(), "utf-8").strip().partition(" ")
        session.begin_answer(mac or None)
        receive(session, source, int(size), buffer)
        while not session.end_answer():
            pass
        while session.step():
            pass
    return session


def receive(session, source, size, buffer):
    """Read the answer's body in small pieces."""
    while size:
        count = source.readinto(buffer[: min(size, len(buffer))])
        at = 0
        while at < count:
            at += session.receive(buffer[at:count])
        size -= count


def main():
    """Run the session and say what became of it."""
    client, bank = make_client(sys.argv[1], sys.argv[2])
    session = run(client, sys.argv[1] == "wbxml")
    names = [name for name in sys.modules if name.startswith("agent")]
    print(session.failure, bank.size_taken, bank.crc, " ".join(names), file=sys.stderr)


main()
