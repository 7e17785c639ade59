"""The device of `make mem`: one management session over stdin and stdout, run by MicroPython from precompiled modules.

Arguments: xml or wbxml, the folder for the flash files. Flash is a file, as it is a chip on a board: no heap of ours. What
the run imports is what a session imports; the names of the agent's modules go to stderr at the end.
"""

import gc
import sys
from binascii import crc32

from agent.mo_leaves import Leaves

_LEAF = 1024


class Logs(Leaves):
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


class Bank(Logs):
    """Stands for the bank: takes the package, keeps its checksum."""

    def __init__(self):
        super().__init__("", ())
        self.crc = self.size_taken = 0

    def kind(self, path):
        return 5 << 8 | 32 | 128 if path == "Update/PkgData" else 1 << 8 | 16 if path in ("", "Update") else 0

    def children(self, path):
        return ("Update",) if not path else ("PkgData",)

    def check(self, op, path, value):
        return 200

    def apply(self, op, path, value):
        return 200

    def write(self, path, offset, data):
        self.crc = crc32(data, self.crc)
        self.size_taken += len(data)
        return len(data)

    def abandon(self, path):
        pass


def run(client, secure):
    """Hold the session: each message goes out as a line of facts and a body, and so comes the answer."""
    from agent.dm_session import Session
    from agent.own_alert import own_alert

    session = Session(client, client.accounts.account("a"), (own_alert("1201"),), secure)
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
    gc.threshold(1024)  # collect often: what lives long then lies close together
    from wiring import make_client

    bank = Bank()
    client = make_client(sys.argv[1], sys.argv[2], bank, Logs("", ()))
    del make_client  # a board is wired once
    sys.modules.pop("wiring", None)
    session = run(client, sys.argv[1] == "wbxml")
    print(session.failure, bank.size_taken, bank.crc, file=sys.stderr)
    if "whole" in sys.argv:
        print(" ".join(list(sys.modules)), file=sys.stderr)


main()
