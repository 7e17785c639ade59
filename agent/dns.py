"""A name's address (A record) from a name server: one question over UDP, bounded in tries, time and bytes.

`query` and `answer` are pure functions over messages; `Resolver` asks one server after the other. Only an answer from
the server that was asked, with the number and the question that were sent, counts; a CNAME is followed inside of it.
"""

import struct

from agent.compat import const
from agent.errors import LinkError

_PORT = const(53)
_SIZE = const(512)  # bytes of a message over UDP
_TRIES = const(3)
_RECORDS = const(32)
_DATAGRAMS = const(4)  # looked at in one poll
_NO_NAME = const(3)
_PLAIN = const(b"abcdefghijklmnopqrstuvwxyz0123456789-_")


def _failed(text):
    return LinkError("name resolution: " + text, 412, 954)


def query(number, name):
    """Return the message that asks for the address of `name`."""
    message = struct.pack(">6H", number, 0x100, 1, 0, 0, 0)
    labels = name[:-1].split(".") if name[-1:] == "." else name.split(".")
    for label in labels:
        if not 0 < len(label) < 64 or [byte for byte in label.encode() if byte not in _PLAIN]:
            raise LinkError("the URL has no host name that can be asked for", 411, 954, True)
        message += bytes((len(label),)) + label.encode()
    if len(message) > 12 + 254:
        raise LinkError("the URL has too long a host name", 411, 954, True)
    return message + b"\0\0\1\0\1"


def answer(data, size, question):
    """Return the address, "" where this server does not know, None where `data[:size]` is no answer to `question`.

    LinkError where there is no such name.
    """
    end = len(question)
    if size < end or data[:2] != question[:2] or data[2] & 0xF8 != 0x80 or data[4:6] != b"\0\1":
        return None
    if data[12:end] != question[12:]:
        return None
    if data[3] & 15 == _NO_NAME:
        raise _failed("there is no such name")
    if data[3] & 15:
        return ""
    return _first_address(data, end, size)


def _first_address(data, at, size):
    for _ in range(min(data[6] << 8 | data[7], _RECORDS)):
        while at < size and 0 < data[at] < 64:
            at += data[at] + 1
        at += 2 if at < size and data[at] else 1  # a reference to elsewhere ends a name, and so does an empty label
        if at + 10 > size:
            break
        kind, group, _, length = struct.unpack_from(">HHIH", data, at)
        at += 10
        if kind == 1 and group == 1 and length == 4 and at + 4 <= size:
            return "%d.%d.%d.%d" % tuple(data[at : at + 4])
        at += length
    return ""


class Resolver:
    """Asks for one name; `poll` until it gives the address, and `close` in any case."""

    def __init__(self, net, clock, random, name, wait_ms):
        self._clock, self._random, self._name, self._wait_ms = clock, random, name, wait_ms
        self._servers = net.name_servers
        if not self._servers:
            raise _failed("no name server is known")
        self._buf = bytearray(_SIZE)
        self._tries = 0
        self._query = query(0, name)
        self._port = net.udp()
        self._ask()

    def poll(self):
        """Return the address, or None while it is not known."""
        found = None
        for _ in range(_DATAGRAMS):
            came = self._port.receive(self._buf)
            if not came:
                break
            size, address, port = came
            if (address, port) == self._server:
                found = answer(self._buf, size, self._query)
            if found:
                return found
            if found == "":
                break
        if found == "" or self._clock.since(self._since) > self._wait_ms:
            self._ask()
        return None

    def close(self):
        """Let go of the port."""
        self._port.close()

    def _ask(self):
        """Ask the next server, with another number; one that cannot be reached at all is passed over."""
        reason = ""
        while self._tries < _TRIES:
            server = self._servers[self._tries % len(self._servers)]
            self._server = (server, _PORT) if isinstance(server, str) else tuple(server)
            self._tries += 1
            self._since = self._clock.ms()
            self._query = query(self._random(65536), self._name)
            try:
                return self._port.send(self._query, self._server[0], self._server[1])
            except LinkError as e:
                reason = str(e)
        self.close()
        raise _failed("no name server knows %s %s" % (self._name, reason))
