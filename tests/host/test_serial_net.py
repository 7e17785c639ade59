"""The network over a serial line: both ends, real sockets behind them, and lines that spoil bytes."""

import contextlib
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from agent.errors import LinkError
from flash_tools.rig.mcu.proxy import Proxy, pack, unpack
from ports.micropython.serial_net import Network, make
from ports.micropython.serial_stream import Stream

_MOST_S = 10


class SocketUart:
    """The board's end of a line, as the Uart contract wants it; `spoil` changes what comes."""

    def __init__(self, sock, spoil=None):
        sock.setblocking(False)
        self._sock, self._spoil = sock, spoil or (lambda data: data)

    def read_into(self, into):
        with contextlib.suppress(BlockingIOError):
            data = self._spoil(self._sock.recv(len(into)))
            into[: len(data)] = data
            return len(data)
        return 0

    def write(self, data):
        self._sock.sendall(data)


class Bench:
    """A line with both ends."""

    def __init__(self, spoil=None):
        ours, theirs = socket.socketpair()
        self._ours, self.spoil = ours, spoil
        self.proxy = Proxy(theirs)
        self.net = Network(SocketUart(ours, spoil))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proxy.close()
        self._ours.close()

    def restart(self):
        """The board starts again: the line is the same."""
        self.net = Network(SocketUart(self._ours))


class Server:
    """Takes connections and gives each to `serve`."""

    def __init__(self, serve):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._serve = serve
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()


def echo(sock):
    """Send back what comes, until the other side has no more."""
    with contextlib.suppress(OSError), sock:
        while data := sock.recv(4096):
            sock.sendall(data)


def until(action):
    """Call again until there is something else than None."""
    end = time.monotonic() + _MOST_S
    while time.monotonic() < end:
        found = action()
        if found is not None:
            return found
        time.sleep(0.0005)
    raise AssertionError("nothing came within %d s" % _MOST_S)


def send_all(stream, data):
    """Write all of it."""
    view = memoryview(data)
    while len(view):
        view = view[until(lambda: stream.write(view)) :]


def read_all(stream, size, piece=100):
    """Read so many bytes, fewer where the peer closes."""
    found, into = bytearray(), memoryview(bytearray(piece))
    while len(found) < size:
        count = until(lambda: stream.read_into(into))
        if not count:
            break
        found += into[:count]
    return bytes(found)


def test_bytes_go_there_and_back_in_order():
    data = bytes(range(256)) * 40
    with Server(echo) as server, Bench() as bench:
        stream = bench.net.connect("localhost", bench.net.known("localhost"), server.port, False)
        back = bytearray()
        for start in range(0, len(data), 1000):
            send_all(stream, data[start : start + 1000])
            back += read_all(stream, len(data[start : start + 1000]))
        assert bytes(back) == data
        assert bench.net.busy
        stream.close()
        stream.close()
        assert not bench.net.busy
        with pytest.raises(LinkError):
            stream.write(b"x")


def test_nothing_is_taken_before_the_connection_stands_nor_before_the_last_piece_is_gone():
    sent = []
    line = SimpleNamespace(add=lambda stream: 1, send=lambda kind, *rest: sent.append(kind), look=lambda: None)
    stream = Stream(line, "h", 1, lambda stream: None)
    assert stream.write(b"x") is None
    stream.hear(ord("o"), b"")
    assert (stream.write(b"x"), stream.write(b"y")) == (1, None)
    stream.hear(ord("w"), b"")
    assert stream.write(b"y") == 1 and sent == [b"O", b"W", b"W"]


def test_what_was_sent_before_the_end_is_read_and_then_the_end():
    def serve(sock):
        with sock:
            sock.sendall(b"z" * 3000)

    with Server(serve) as server, Bench() as bench:
        stream = bench.net.connect("h", "127.0.0.1", server.port, False)
        assert read_all(stream, 5000) == b"z" * 3000
        assert stream.read_into(memoryview(bytearray(4))) == 0


def test_a_server_that_is_not_there_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Bench() as bench:
        stream = bench.net.connect("h", "127.0.0.1", port, False)
        with pytest.raises(LinkError) as caught:
            until(lambda: stream.read_into(memoryview(bytearray(4))))
        assert caught.value.code == 412
        assert "refused" in str(caught.value)


def test_tls_is_refused_with_what_to_do():
    with Bench() as bench, pytest.raises(LinkError) as caught:
        bench.net.connect("h", "127.0.0.1", 1, True)
    assert caught.value.final and "http://" in str(caught.value)


def test_datagrams_go_both_ways_and_are_cut_to_the_buffer():
    with Bench() as bench, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        port = bench.net.udp(2948)
        assert port.receive(memoryview(bytearray(8))) is None
        peer.sendto(b"0123456789", ("127.0.0.1", bench.proxy.wait_port(2948)))
        into = memoryview(bytearray(8))
        assert until(lambda: port.receive(into)) == (8, "127.0.0.1", peer.getsockname()[1])
        assert bytes(into) == b"01234567"
        assert port.receive(into) is None
        peer.sendto(b"second", ("127.0.0.1", bench.proxy.wait_port(2948)))
        assert until(lambda: port.receive(into))[0] == 6
        port.send(b"answer", "127.0.0.1", peer.getsockname()[1])
        peer.settimeout(_MOST_S)
        assert peer.recv(100) == b"answer"
        port.close()
        port.close()


def test_a_datagram_comes_through_while_a_connection_waits_for_data():
    with Server(lambda sock: time.sleep(_MOST_S)) as server, Bench() as bench:
        port = bench.net.udp(2948)
        into = memoryview(bytearray(64))
        port.receive(into)
        stream = bench.net.connect("h", "127.0.0.1", server.port, False)
        until(lambda: stream.write(b"hello"))
        assert stream.read_into(into) is None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"wake", ("127.0.0.1", bench.proxy.wait_port(2948)))
            assert until(lambda: port.receive(into))[0] == 4


def test_data_that_nobody_reads_does_not_stop_another_connection():
    with Server(echo) as server, Bench() as bench:
        first = bench.net.connect("h", "127.0.0.1", server.port, False)
        send_all(first, b"a" * 100)
        assert read_all(first, 1, piece=1) == b"a"  # 99 bytes are waiting in the line
        first.close()
        second = bench.net.connect("h", "127.0.0.1", server.port, False)
        send_all(second, b"b" * 100)
        assert read_all(second, 100) == b"b" * 100


def test_a_board_that_starts_again_hears_nothing_meant_for_its_life_before():
    with Server(echo) as server, Bench() as bench:
        stream = bench.net.connect("h", "127.0.0.1", server.port, False)
        other = bench.net.connect("h", "127.0.0.1", server.port, False)
        for each in (stream, other):
            until(lambda each=each: each.write(b"old" * 100))
        bench.proxy._line.sendall(pack(b"r", 1, b"late") + pack(b"z", 1))
        bench.restart()
        stream = bench.net.connect("h", "127.0.0.1", server.port, False)
        send_all(stream, b"new" * 100)
        assert read_all(stream, 300) == b"new" * 100
        assert len(bench.proxy._open) == 1


def test_a_board_that_was_reset_inside_of_a_frame_is_heard():
    with Server(echo) as server, Bench() as bench:
        bench.net._line._uart.write(b"\x7eW\x01\x00\x02half")  # of 512 bytes
        bench.proxy._line.sendall(b"\x7er\x01\x00\x02half")
        bench.restart()
        stream = bench.net.connect("h", "127.0.0.1", server.port, False)
        send_all(stream, b"1234")
        assert read_all(stream, 4) == b"1234"


def test_noise_between_frames_is_stepped_over():
    with Server(echo) as server, Bench() as bench:
        stream = bench.net.connect("h", "127.0.0.1", server.port, False)
        until(lambda: stream.write(b"1234"))
        bench.proxy._line.sendall(b"\x7e\x00noise\xff\xff\x7e")
        assert read_all(stream, 4) == b"1234"


def test_a_spoilt_frame_is_not_taken_for_data():
    spoilt = []

    def spoil(data):
        if b"secret" in data:
            spoilt.append(data)
            return data.replace(b"secret", b"sacret")
        return data

    with Server(echo) as server, Bench(spoil) as bench:
        stream = bench.net.connect("h", "127.0.0.1", server.port, False)
        send_all(stream, b"secret")
        into, end = memoryview(bytearray(64)), time.monotonic() + _MOST_S
        while not spoilt and time.monotonic() < end:
            assert stream.read_into(into) is None
        for _ in range(20):
            assert stream.read_into(into) is None
        assert spoilt


def test_frames_are_taken_apart_wherever_they_are_cut():
    frames = pack(b"r", 3, b"data \x7e data") + pack(b"x", 0) + pack(b"z", 255)
    for size in range(1, len(frames)):
        kept, found = bytearray(), []
        for at in range(0, len(frames), size):
            kept += frames[at : at + size]
            while frame := unpack(kept):
                found.append(frame)
        assert found == [(b"r", 3, b"data \x7e data"), (b"x", 0, b""), (b"z", 255, b"")]
        assert not kept


def test_a_port_gives_the_line_that_the_network_needs():
    class Port:
        def uart(self, bus, baud, **pins):
            asked.append((bus, baud, pins))
            return SocketUart(ours)

    asked = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        net = make(Port(), {}, bus=2, tx=4, rx=5)
        assert asked == [(2, 921600, {"tx": 4, "rx": 5})]
        assert net.up and net.step() > 0 and net.name_servers == ()
        assert unpack(bytearray(theirs.recv(1000))) == (b"X", 0, b"")
