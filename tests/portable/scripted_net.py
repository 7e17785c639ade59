"""A network that does what a test has written down: scripted streams, datagrams and name servers. For both interpreters.

A stream's script is a tuple of steps, taken one a read: bytes come (cut to the buffer), None is nothing yet, b"" is the
peer's closing, an exception is raised. When it has ended, nothing comes any more.
"""

from agent.errors import LinkError
from agent.web import Web
from ports.sim.clock import Clock


def broken():
    """Return what a port raises where a connection is reset."""
    return LinkError("reset", 503, 903)


class Stream:
    """Stands after `wait` attempts; takes at most `most` bytes a write, and breaks when `room` bytes are written.

    Says nothing before it got what ends with `after`.
    """

    def __init__(self, script, wait=0, most=100000, room=1 << 30, after=b""):
        self.after = after
        self.script, self.wait, self.most, self.room = list(script), wait, most, room
        self.sent = b""
        self.closed = self.full = False

    def write(self, data):
        """Take some of the bytes, every second time none."""
        assert not self.closed and len(data)
        if self.wait:
            self.wait -= 1
            return None
        if self.full:
            self.full = False
            return None
        if not self.room:
            raise broken()
        count = min(len(data), self.most, self.room)
        self.sent += bytes(data[:count])
        self.room -= count
        self.full = self.most < 100000
        return count

    def read_into(self, into):
        """Take the next step of the script."""
        assert not self.closed and len(into)
        if self.wait or not self.script or not self.sent.endswith(self.after):
            return None
        step = self.script.pop(0)
        if step is None:
            return None
        if isinstance(step, Exception):
            raise step
        count = min(len(into), len(step))
        into[:count] = step[:count]
        if count < len(step):
            self.script.insert(0, step[count:])
        return count

    def close(self):
        """Take note of it."""
        self.closed = True


class Datagrams:
    """Gives what `answers` (a function of what is sent, giving (data, address, port) or None each) makes of a question."""

    def __init__(self, answers):
        self._answers, self._waiting, self.closed = answers, [], False

    def send(self, data, address, port):
        """Ask the function."""
        assert not self.closed
        self._waiting += self._answers(bytes(data), address, port)

    def receive(self, into):
        """Return the next answer."""
        assert not self.closed
        if not self._waiting:
            return None
        data, address, port = self._waiting.pop(0)
        into[: len(data)] = data
        return len(data), address, port

    def close(self):
        """Take note of it."""
        self.closed = True


class Network:
    """Gives the scripted streams one after the other; every name is known unless `answers` is given."""

    def __init__(self, *streams, answers=None, name_servers=("9.9.9.9",)):
        self.streams, self.answers, self.name_servers = list(streams), answers, name_servers
        self.connected, self.ports = [], []

    def connect(self, host, address, port, tls):
        """Return the next stream."""
        self.connected.append((host, address, port, tls))
        return self.streams.pop(0)

    def udp(self, port=0):
        """Return datagrams."""
        self.ports.append(Datagrams(self.answers))
        return self.ports[-1]

    def known(self, name):
        """Return some address."""
        return None if self.answers else "1.2.3.4"


def make_web(*streams, answers=None, name_servers=("9.9.9.9",)):
    """Return (web, its network, its clock)."""
    net, clock = Network(*streams, answers=answers, name_servers=name_servers), Clock()
    return Web(net, clock, lambda below: 0x1234 % below), net, clock


def poll(exchange, clock, step_ms=100, most=2000):
    """Poll until the head is here; time passes each time."""
    for _ in range(most):
        if exchange.poll():
            return exchange
        clock.sleep_ms(step_ms)
    raise AssertionError("no end")


def body(exchange, clock, size=64, step_ms=100, most=5000):
    """Return the whole body."""
    buffer, data = bytearray(size), b""
    for _ in range(most):
        count = exchange.read_into(buffer)
        if count == 0:
            return data
        if count is None:
            clock.sleep_ms(step_ms)
        else:
            data += bytes(buffer[:count])
    raise AssertionError("no end")


def answer(text=b"hello", fields=b""):
    """Return a plain answer."""
    return b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: %d\r\n\r\n" % len(text) + text
