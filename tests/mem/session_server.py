"""The server's end of `make mem`'s session: a Get of 64 KiB and a package, both checked."""

import os
import subprocess
import zlib

from flash_tools.server.dm.commands import Get, Item, Replace
from flash_tools.server.dm.server import Device, DmServer

LEAVES = 64


class Policy:
    """Get the subtree, push the package, end."""

    def __init__(self, package):
        self.get = Get(["./Logs?list=StructData"])
        self.push = Replace(Item("./FUMO/Update/PkgData", package, format="bin"))

    def packages(self, session):
        yield [self.get]
        yield [self.push]


def converse(command, path, kind, size):
    """Run the device as a process and talk to it; return (whether all went well, what it said on stderr)."""
    package = os.urandom(size)
    policy, auth = Policy(package), "MAC" if kind == "xml" else "md5"
    device = Device("mem:1", "user", "pw", "srv", "spw", auth, auth, client_nonce=b"nonce-c", server_nonce=b"nonce-s")
    server = DmServer([device], policy, os.urandom)
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=path, env={"MICROPYPATH": path})
    try:
        while line := process.stdout.readline():
            _exchange(process, server, line.decode(), kind == "wbxml")
    except (OSError, ValueError):
        pass
    try:
        process.stdin.close()
    except OSError:
        pass
    said = process.stderr.read().decode()
    good = process.wait(60) == 0 and policy.push.status == 200 and len(policy.get.results) == LEAVES + 1
    expected = "None %d %d" % (size, zlib.crc32(package))
    return good and said.startswith(expected), said


def _exchange(process, server, line, tls):
    facts, _, mac = line.rstrip("\n").partition("\t")
    length, _, content_type = facts.partition(" ")
    body = process.stdout.read(int(length))
    reply = server.handle(body, content_type, {"x-syncml-hmac": mac} if mac else {}, tls=tls)
    head = "%d %s\n" % (len(reply.body), reply.headers.get("x-syncml-hmac", ""))
    process.stdin.write(head.encode() + reply.body)
    process.stdin.flush()
