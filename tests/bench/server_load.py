"""Many devices on one thread: plain sockets with keep-alive, each device one connection, the next message at once.

There is no pause between sessions: `latency` is what a device waits at full load, not what one that polls once an hour does.
"""

import contextlib
import selectors
import socket
import ssl
import time
from dataclasses import dataclass, field

from tests.bench.server_device import SmallDevice

_HEAD = (
    "POST /dm HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: %s\r\nAccept: %s\r\nContent-Length: %d\r\n"
    "User-Agent: fumo-agent\r\n\r\n"
)
_LENGTH = b"content-length: "
_PATIENCE_S = 30


@dataclass
class Load:
    """What was done."""

    sessions: int = 0
    seconds: float = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def p99_ms(self) -> float:
        """Return what all but one in a hundred messages were answered in."""
        return round(1000 * sorted(self.latencies)[len(self.latencies) * 99 // 100], 2)


class Connection:
    """One connection; `send`, then `feed` until it gives the body."""

    def __init__(self, port: int, ca_pem: str | None = None):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ca_pem:
            context = ssl.create_default_context(cadata=ca_pem)
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self._port, self._got, self._end = port, b"", None

    def send(self, content_type: str, body: bytes):
        """Send a message."""
        self.sent = time.perf_counter()
        head = _HEAD % (self._port, content_type, content_type, len(body))
        self.socket.sendall(head.encode() + body)

    def feed(self) -> bytes | None:
        """Read what is there; return the body once it is whole."""
        data = self.socket.recv(65536)
        self._got += data
        if self._end is None and (head := self._got.find(b"\r\n\r\n")) >= 0:
            at = self._got.lower().index(_LENGTH) + len(_LENGTH)
            self._start, self._end = head + 4, head + 4 + int(self._got[at : self._got.index(b"\r", at)])
        if not data or not self._got.startswith(b"HTTP/1.1 200"[: len(self._got)]):
            raise AssertionError("the server says %r" % self._got[:200])
        if self._end is None or len(self._got) < self._end:
            return None
        body, self._got, self._end = self._got[self._start : self._end], b"", None
        return body

    def ask(self, content_type: str, body: bytes) -> bytes:
        """Send, and wait for the answer."""
        self.send(content_type, body)
        return self.wait()

    def wait(self) -> bytes:
        """Return the answer."""
        while (answer := self.feed()) is None:
            pass
        return answer


class Fleet:
    """`prepare(kind, device id)` lets the server want something of a device before such a session begins."""

    def __init__(self, port: int, bundles: list[dict], prepare):
        self._prepare = prepare
        self._devices = [SmallDevice(bundle, at % 2 == 1, at) for at, bundle in enumerate(bundles)]
        self._port = port

    def run(self, count: int, seconds: float = 60, sessions: int = 1 << 30) -> Load:
        """Let the first `count` devices hold sessions until the time is over, or so many have ended."""
        load, start = Load(), time.perf_counter()
        with selectors.DefaultSelector() as selector:
            for device in self._devices[:count]:
                connection = Connection(self._port)
                selector.register(connection.socket, selectors.EVENT_READ, (device, connection, []))
                self._begin(*selector.get_key(connection.socket).data)
            while time.perf_counter() < start + seconds and load.sessions < sessions:
                ready = selector.select(_PATIENCE_S)
                if not ready:
                    raise AssertionError("the server is silent")
                for key, _ in ready:
                    self._go_on(*key.data, load)
            load.seconds = time.perf_counter() - start
            self._finish(selector, load)
        return load

    def _begin(self, device, connection, turn):
        kind = device.next_kind()
        if kind in ("get", "order"):
            self._prepare(kind, device.device_id)
        turn[:] = [device.session(kind)]
        connection.send(device.content_type, next(turn[0]))

    def _go_on(self, device, connection, turn, load, last=False):
        """Take what has come; tell whether the session is over."""
        answer = connection.feed()
        if answer is None:
            return False
        load.latencies.append(time.perf_counter() - connection.sent)
        try:
            connection.send(device.content_type, turn[0].send(answer))
        except StopIteration:
            load.sessions += 1
            if not last:
                self._begin(device, connection, turn)
            return True
        return False

    def _finish(self, selector, load):
        """Let the sessions that are under way end."""
        for key in list(selector.get_map().values()):
            while not self._go_on(*key.data, load, last=True):
                pass
            key.fileobj.close()

    def together(self, links: list[Connection], rounds: int) -> list[list[tuple[str, bytes]]]:
        """Let as many devices as there are links say one message each at the same time, so often; return what was said."""
        count = len(links)
        turns, said = [None] * count, []
        answers = [None] * count
        for _ in range(rounds):
            bodies = [self._next(at, turns, answers[at]) for at in range(count)]
            said.append([(self._devices[at].content_type, body) for at, body in enumerate(bodies)])
            answers = ask_all(links, said[-1])
        for at, link in enumerate(links):
            self._end(at, turns, answers[at], link, said)
        return said

    def _next(self, at, turns, answer):
        """Return what a device says next, in this session or in another."""
        try:
            if turns[at] is not None:
                return turns[at].send(answer)
        except StopIteration:
            pass
        device = self._devices[at]
        kind = device.next_kind()
        if kind in ("get", "order"):
            self._prepare(kind, device.device_id)
        turns[at] = device.session(kind)
        return next(turns[at])

    def _end(self, at, turns, answer, link, said):
        kind = self._devices[at].content_type
        with contextlib.suppress(StopIteration):
            while True:
                body = turns[at].send(answer)
                said.append([(kind, body)])
                answer = link.ask(kind, body)


def ask_all(links: list[Connection], messages: list[tuple[str, bytes]]) -> list[bytes]:
    """Send everything, then wait for all answers."""
    for link, message in zip(links, messages, strict=True):
        link.send(*message)
    return [link.wait() for link in links]


def echo(links: list[Connection], said: list[list[tuple[str, bytes]]]):
    """Send the same bytes again, in the same way."""
    for messages in said:
        if ask_all(links[: len(messages)], messages) != [body for _, body in messages]:
            raise AssertionError("the echo is another")
