"""`fumo doctor`'s way to a board's first server: name servers that are silent, a handshake that crawls, the factory region."""

import json
import socket
import struct
import threading
import time
import zlib

import pytest

from flash_tools.doctor import linux, name_servers, network
from tests.host.test_doctor_host import put
from tests.host.test_doctor_linux import Chip, look, make_host  # noqa: F401 (the fixture `host`)


class NameServer:
    """Answers each question with a code, or not at all."""

    def __init__(self, code):
        self.code, self.sock = code, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        if code is not None:
            threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        data, peer = self.sock.recvfrom(512)
        self.sock.sendto(
            data[:1] + bytes((data[1] ^ 1, 0x80, 2 if self.code != 2 else 0)) + data[4:], peer
        )  # another question's answer
        self.sock.sendto(data[:2] + bytes((0x80, self.code)) + data[4:], peer)


@pytest.mark.parametrize(("code", "verdict", "said"), [
    (None, "fail", "does not answer within"),
    (0, "ok", "answers in"),
    (3, "ok", "answers in"),
    (2, "fail", "SERVFAIL"),
    (5, "fail", "REFUSED"),
])  # fmt: skip
def test_name_servers(host, code, verdict, said):
    server = NameServer(code)
    put(host.etc / "resolv.conf", "# x\nnameserver 127.0.0.1\nsearch here\n")
    (check,) = name_servers.checks(host, "dm.example.org", 0.3, server.port)
    assert check.verdict == verdict and said in check.what
    server.sock.close()


def test_name_servers_that_cannot_be_asked(host):
    server = NameServer(None)
    server.sock.close()
    put(host.etc / "resolv.conf", "nameserver 127.0.0.1\n")
    (check,) = name_servers.checks(host, "dm.example.org", 0.3, server.port)
    assert check.verdict == "fail" and "cannot be asked" in check.what
    put(host.etc / "resolv.conf", "nameserver not-an-address\n")
    assert [check.verdict for check in name_servers.checks(host, "a.b", 0.3)] == ["fail"]
    put(host.etc / "resolv.conf", "nameserver\n")
    assert [check.verdict for check in name_servers.checks(host, "a.b", 0.3)] == ["warn"]
    put(host.etc / "resolv.conf", "nameserver 127.0.0.1\n")
    assert [check.verdict for check in name_servers.checks(host, "a..b", 0.3)] == ["skip"]


def test_a_resolver_that_never_comes_back(monkeypatch):
    stop = threading.Event()
    monkeypatch.setattr(network, "_RESOLVE_S", 0.2)
    monkeypatch.setattr(network.socket, "getaddrinfo", lambda *_, **__: stop.wait(20) and [])
    began = time.monotonic()
    (check,) = network.checks("https://dm.example.org")
    stop.set()
    assert time.monotonic() - began < 5
    assert check.verdict == "fail" and "no name server has told" in check.what


def test_a_handshake_that_crawls(monkeypatch):
    """A byte now and then is no progress: the deadline is one for the whole handshake."""
    monkeypatch.setattr(network, "_TIMEOUT_S", 0.6)
    stop, server = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def crawl():
        peer, _ = server.accept()
        for byte in b"\x16\x03\x03\x40\x00\x02\x00" + bytes(100):
            peer.send(bytes((byte,)))
            if stop.wait(0.1):
                break
        peer.close()

    thread = threading.Thread(target=crawl, daemon=True)
    thread.start()
    *_, check = network.checks("https://127.0.0.1:%d" % server.getsockname()[1])
    stop.set()
    thread.join(5)
    server.close()
    assert check.verdict == "fail" and "crawls" in check.what and check.name == "tls"


# -- the account --------------------------------------------------------------------------------------------------------


def factory_cells(facts):
    text = json.dumps(facts).encode()
    return b"FUF1" + struct.pack("<II", len(text), zlib.crc32(text)) + text


def test_the_account_of_the_factory_region(host, monkeypatch):
    asked = []
    monkeypatch.setattr(linux.network, "checks", lambda url, ca, prefix: asked.append((url, ca, prefix)) or [])
    monkeypatch.setattr(linux.name_servers, "checks", lambda host, name: asked.append(name) or [])
    facts = {"accounts": [{"url": "https://u:p@dm.example.org:8443/x", "auth": "MAC"}], "ca_pem": "PEM"}
    found = look(host, Chip(cells=b"\xff" * 8192 + factory_cells(facts)))
    assert (
        asked == ["dm.example.org", ("https://u:p@dm.example.org:8443/x", "PEM", "account ")] and "account" not in found
    )


@pytest.mark.parametrize(
    "facts", [{}, {"accounts": []}, {"accounts": [7]}, {"accounts": [{"url": 3}]}, {"accounts": {"url": ""}}]
)
def test_a_factory_region_without_a_server(host, facts):
    assert look(host, Chip(cells=b"\xff" * 8192 + factory_cells(facts)))["account"].verdict == "skip"
