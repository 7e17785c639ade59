"""The agent's way out on Linux where the world is silent: name servers that never answer, handshakes that crawl, a wrong clock."""

import socket
import ssl
import threading
import time

import pytest

from agent.errors import LinkError
from agent.web import Web
from ports.cpython_linux.net import Network


class Clock:
    """Real time, so many times as fast."""

    def __init__(self, speed=1):
        self._speed = speed

    def ms(self):
        return int(time.monotonic() * 1000 * self._speed)

    def since(self, then):
        return self.ms() - then


def silent_server(count=1):
    """Return UDP sockets that nobody reads."""
    found = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for sock in found:
        sock.bind(("127.0.0.1", 0))
    return found


def end_of(exchange, within_s=10):
    """Return the error that ends an exchange, and the real seconds that took; each poll must be short."""
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        at = time.monotonic()
        try:
            assert not exchange.poll()
        except LinkError as e:
            return e, time.monotonic() - began
        assert time.monotonic() - at < 0.5, "a poll has blocked"
        time.sleep(0.005)
    raise AssertionError("no end")


def make_web(net, speed=20):
    return Web(net, Clock(speed), lambda below: 7 % below)


def test_name_servers_that_never_answer():
    """Three questions, three seconds each: twenty times as fast here."""
    servers = silent_server(2)
    net = Network(name_servers=tuple(sock.getsockname() for sock in servers), etc="/nowhere")
    error, gone_s = end_of(make_web(net).open("GET", "https://dm.example.org/"))
    assert error.code == 412 and "no name server knows dm.example.org" in str(error) and not error.final
    assert 0.3 < gone_s < 2 and not net.open
    asked = sum(_waiting(sock) for sock in servers)
    assert asked == 3
    for sock in servers:
        sock.close()


def _waiting(sock):
    sock.setblocking(False)
    count = 0
    try:
        while sock.recv(512):
            count += 1
    except BlockingIOError:
        return count


def test_name_servers_whose_machine_refuses():
    (sock,) = silent_server()
    net = Network(name_servers=(sock.getsockname(),), etc="/nowhere")
    sock.close()
    error, gone_s = end_of(make_web(net).open("GET", "https://dm.example.org/"))
    assert error.code == 412 and gone_s < 2


def test_no_name_server_at_all(tmp_path):
    net = Network(etc=str(tmp_path))
    with pytest.raises(LinkError, match="no name server is known"):
        make_web(net).open("GET", "https://dm.example.org/").poll()


@pytest.mark.parametrize("says", [b"", b"\x16\x03\x03\x40\x00\x02\x00" + bytes(4000)])
def test_a_handshake_that_never_ends(says):
    """A byte now and then does not begin the time anew: 30 seconds for TCP and TLS together."""
    stop, server = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def crawl():
        peer, _ = server.accept()
        for byte in says:
            try:
                peer.send(bytes((byte,)))
            except OSError:
                break
            if stop.wait(0.02):
                break
        stop.wait(20)
        peer.close()

    thread = threading.Thread(target=crawl, daemon=True)
    thread.start()
    error, gone_s = end_of(make_web(Network()).open("GET", "https://127.0.0.1:%d/" % server.getsockname()[1]))
    stop.set()
    thread.join(5)
    server.close()
    assert error.code in (412, 503) and 1.2 < gone_s < 4, (error.code, str(error), gone_s)


def test_a_clock_in_1970_says_so(tmp_path):
    """A certificate that is not yet valid is told from one that is wrong, so that the clock can be set and it is tried again."""
    from tests.host.test_doctor_server import DAY, NOW, certificate, pem
    from tests.host.test_doctor_server import Server as TlsServer

    authority, key = certificate("authority", start=NOW - DAY, end=NOW + 900 * DAY)
    found, private = certificate("localhost", authority, key, start=NOW + 5 * DAY, end=NOW + 90 * DAY)
    server = TlsServer(tmp_path, found, private)
    net = Network(ca=pem(authority).encode())
    error, _ = end_of(make_web(net, 1).open("GET", "https://localhost:%d/" % server.port))
    assert error.dates and error.code == 503 and "not yet valid" in str(error)
    assert ssl.CERT_REQUIRED == net._context().verify_mode
