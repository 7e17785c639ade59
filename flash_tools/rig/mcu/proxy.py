"""The other end of a board's serial line to the network: opens connections and sends datagrams for it, on loopback only.

The frames are those of ports/micropython/serial_net.py. A thread serves one line; `ports` says where datagrams for a port of the
board are to be sent.
"""

import errno
import os
import selectors
import socket
import struct
import threading
from binascii import crc32
from contextlib import suppress
from dataclasses import dataclass, field

HOME = "127.0.0.1"
_START, _HEAD, _CRC, _MOST = 0x7E, 5, 2, 4096
_LOCAL = 6
_PART = 4096
_FILL = _HEAD + 512 + _CRC  # a whole frame, so that one that was cut short is over


def pack(kind: bytes, number: int, data: bytes = b"") -> bytes:
    """Return a frame."""
    body = kind + struct.pack("<BH", number, len(data)) + data
    return bytes([_START]) + body + struct.pack("<H", crc32(body) & 0xFFFF)


def unpack(kept: bytearray) -> tuple[bytes, int, bytes] | None:
    """Take the first whole frame out of what was kept; what is none is dropped. None where more must come."""
    while True:
        at = kept.find(_START)
        del kept[: len(kept) if at < 0 else at]
        if len(kept) < _HEAD:
            return None
        size = struct.unpack_from("<H", kept, 3)[0]
        end = _HEAD + size
        if size > _MOST:
            del kept[0]
        elif len(kept) < end + _CRC:
            return None
        elif struct.unpack_from("<H", kept, end)[0] != crc32(kept[1:end]) & 0xFFFF:
            del kept[0]
        else:
            frame = bytes(kept[1:2]), kept[2], bytes(kept[_HEAD:end])
            del kept[: end + _CRC]
            return frame


@dataclass
class _Connection:
    """A connection, or with `datagrams` a port; `asked` is how much the board wants of it now."""

    sock: socket.socket
    datagrams: bool = False
    stands: bool = False
    asked: int = 0
    to_write: bytearray = field(default_factory=bytearray)


class Proxy:
    """Serves `line`, a connected socket, until it is closed."""

    def __init__(self, line: socket.socket):
        self.ports: dict[int, int] = {}
        self._line, self._kept, self._open = line, bytearray(), {}
        self._selector, self._turn = selectors.DefaultSelector(), threading.Condition()
        self._selector.register(line, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, name="mcu-proxy", daemon=True)
        self._thread.start()

    def wait_port(self, port: int, timeout_s: float = 60) -> int:
        """Wait until the board has bound a port; return where datagrams for it are to be sent."""
        with self._turn:
            if not self._turn.wait_for(lambda: port in self.ports, timeout_s):
                raise TimeoutError("the board did not bind port %d" % port)
            return self.ports[port]

    def close(self) -> None:
        """End, and break all connections."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._line.close()

    def _serve(self):
        try:
            while True:
                for key, events in self._selector.select():
                    if key.data is None:
                        if not self._hear():
                            return
                    elif key.data in self._open:
                        self._turn_of(key.data, events)
        finally:
            self._drop_all()
            self._selector.close()

    def _hear(self):
        """Take what the board says; False when the line is gone."""
        try:
            data = self._line.recv(_PART)
        except OSError:
            data = b""
        self._kept += data
        while frame := unpack(self._kept):
            self._obey(*frame)
        return bool(data)

    def _obey(self, kind, number, data):
        connection = self._open.get(number)
        if kind == b"X":
            self._drop_all()
            self._send(bytes(_FILL) + pack(b"x", 0))
        elif kind == b"O" and len(data) >= 2:
            self._connect(number, str(data[2:], "utf-8"), struct.unpack_from("<H", data)[0])
        elif kind == b"U" and len(data) == 2:
            self._bind(number, struct.unpack("<H", data)[0])
        elif connection is None:
            return
        elif kind == b"W":
            connection.to_write += data
            self._watch(number)
        elif kind in b"RD":
            connection.asked = min(struct.unpack("<H", data)[0], _PART)
            self._watch(number)
        elif kind == b"S" and len(data) >= _LOCAL:
            with suppress(OSError):
                connection.sock.sendto(data[_LOCAL:], (HOME, struct.unpack_from("<H", data)[0]))
        elif kind == b"C":
            self._drop(number)

    def _connect(self, number, host, port):
        self._drop(number)
        sock = socket.socket()
        sock.setblocking(False)
        self._open[number] = _Connection(sock)
        self._selector.register(sock, selectors.EVENT_WRITE, number)
        error = sock.connect_ex((HOME if host == "localhost" else host, port))
        if error not in (0, errno.EINPROGRESS):
            self._fail(number, OSError(error, os.strerror(error)))

    def _bind(self, number, port):
        self._drop(number)
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind((HOME, 0))
        self._open[number] = _Connection(sock, datagrams=True, stands=True)
        self._selector.register(sock, selectors.EVENT_READ, number)
        self._watch(number)
        with self._turn:
            self.ports[port] = sock.getsockname()[1]
            self._turn.notify_all()

    def _turn_of(self, number, events):
        connection = self._open[number]
        try:
            if not connection.stands:
                self._stand(number, connection)
            elif connection.datagrams:
                self._datagram(number, connection)
            elif events & selectors.EVENT_WRITE:
                self._write(number, connection)
            else:
                self._read(number, connection)
        except BlockingIOError:
            pass
        except OSError as e:
            self._fail(number, e)
        self._watch(number)

    def _stand(self, number, connection):
        error = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        connection.stands = True
        self._say(b"o", number)

    def _write(self, number, connection):
        count = connection.sock.send(connection.to_write)
        del connection.to_write[:count]
        if not connection.to_write:
            self._say(b"w", number)

    def _read(self, number, connection):
        data = connection.sock.recv(connection.asked)
        connection.asked = 0
        self._say(b"r" if data else b"z", number, data)

    def _datagram(self, number, connection):
        data, (address, port) = connection.sock.recvfrom(_PART)
        data, connection.asked = data[: connection.asked], 0
        self._say(b"d", number, struct.pack("<H", port) + socket.inet_aton(address) + data)

    def _watch(self, number):
        """Listen for what the connection waits for now."""
        connection = self._open.get(number)
        if connection is None:
            return
        events = selectors.EVENT_WRITE if not connection.stands or connection.to_write else 0
        events |= selectors.EVENT_READ if connection.asked and connection.stands else 0
        with suppress(KeyError):
            self._selector.unregister(connection.sock)
        if events:
            self._selector.register(connection.sock, events, number)

    def _fail(self, number, error):
        self._say(b"e", number, (error.strerror or "broken").encode()[:100])
        self._drop(number)

    def _drop(self, number):
        connection = self._open.pop(number, None)
        if connection:
            with suppress(KeyError):
                self._selector.unregister(connection.sock)
            connection.sock.close()

    def _drop_all(self):
        for number in list(self._open):
            self._drop(number)
        with self._turn:
            self.ports.clear()

    def _say(self, kind, number, data=b""):
        self._send(pack(kind, number, data))

    def _send(self, data):
        with suppress(OSError):
            self._line.sendall(data)
