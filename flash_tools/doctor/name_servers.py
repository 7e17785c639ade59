"""Do the name servers answer? Each is asked itself, by UDP and within bounds: the system's own resolver may wait for minutes."""

import random
import socket
import time
from collections.abc import Iterator

from agent import dns
from agent.errors import LinkError
from flash_tools.doctor.check import Check, Host, fail, ok, read, skip, warn

_WAIT_S = 2.0
_MOST = 3  # as many as resolvers use
_PORT = 53
_REFUSALS = {1: "does not understand the question", 2: "cannot find out (SERVFAIL)", 5: "refuses to answer (REFUSED)"}


def checks(host: Host, name: str, wait_s: float = _WAIT_S, port: int = _PORT) -> Iterator[Check]:
    """Ask each name server of resolv.conf for `name`; any answer shows that it is there."""
    path = host.etc / "resolv.conf"
    servers = [
        line.split()[1] for line in read(path).splitlines() if line.split()[:1] == ["nameserver"] and line.split()[1:]
    ]
    if not servers:
        yield warn(
            "name servers",
            "%s names none" % path,
            "connect to a network with DHCP, or write `nameserver ADDRESS` there",
        )
        return
    for server in servers[:_MOST]:
        yield _one(server, name, wait_s, port)


def _one(server, name, wait_s, port):
    title = "name server %s" % server
    try:
        code, gone_s = ask(server, name, wait_s, port)
    except LinkError:
        return skip(title, "%s is no name that can be asked for" % name)
    except OSError as e:
        do = "check the way to it (ip route), or name another one: DHCP, or /etc/resolv.conf"
        return fail(title, "cannot be asked: %s" % (e.strerror or e), do)
    if code is None:
        do = "check the way to it (a firewall, a router that is down), or name another one: DHCP, or /etc/resolv.conf"
        return fail(title, "does not answer within %.0f s" % wait_s, do)
    if code in _REFUSALS:
        return fail(title, "it %s" % _REFUSALS[code], "check what it asks itself, or name another one")
    return ok(title, "answers in %d ms" % (gone_s * 1000))


def ask(server: str, name: str, wait_s: float, port: int = _PORT) -> tuple[int | None, float]:
    """Return (response code, seconds), None where no answer came in that time."""
    number = random.randrange(65536)
    question = dns.query(number, name.lower())
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    began = time.monotonic()
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((server.partition("%")[0], port))
        sock.send(question)
        while (left := wait_s - (time.monotonic() - began)) > 0:
            sock.settimeout(left)
            try:
                data = sock.recv(512)
            except TimeoutError:
                break
            if len(data) >= 12 and data[:2] == question[:2] and data[2] & 0x80:
                return data[3] & 15, time.monotonic() - began
    return None, wait_s
