"""The network of a board that has none: a serial line to a computer, which opens connections and sends datagrams for it.

Frames, both ways: 0x7e, kind, number of the connection, size (2 bytes, low one first), payload, the low 16 bits of a CRC32 over
all but the first byte. The board asks, the other end (flash_tools/rig/mcu/proxy.py) answers: data comes only as far as it was asked
for, one piece is written at a time, so nothing is ever lost in a buffer that is full. There is no TLS: the line is the board's own.

Whoever begins anew sends a whole frame of zeros before, so that one that was cut short is over.

    board: X begin anew  O open (port, name)  W write  R read (most)  C close  U bind (port)  S send (port, address)  D one datagram
    other: x             o stands             w taken  r data         z ended  e broken (why)  d datagram (port, address)
"""

import struct

from agent.compat import const, crc32, unload
from agent.errors import LinkError

_START = const(0x7E)
_HEAD = const(5)
_CRC = const(2)
PIECE = const(512)
_IDLE_MS = const(60000)
_BAUD = const(921600)
_LOCAL = const(6)  # bytes of a port and an address


class Line:
    """The frames of the line, and who is waiting for them."""

    def __init__(self, uart):
        self._uart = uart
        self._frame = bytearray(_HEAD + PIECE + _CRC)
        self._view = memoryview(self._frame)
        self._got = self._at = self._end = 0  # `_at` to `_end`: data that its connection has not read yet
        self._owners, self._last, self._begun = {}, 0, False
        uart.write(self._frame)  # a whole frame of nothing: one that a reset has cut short is over then
        self.send(b"X", 0)

    def add(self, owner):
        """Return a number for a connection."""
        self._last = self._last % 255 + 1
        self._owners[self._last] = owner
        return self._last

    def remove(self, number):
        """Forget a connection, and what came for it."""
        self._owners.pop(number, None)
        if self._end and self._frame[2] == number:
            self._release()

    def send(self, kind, number, data=b""):
        """Send a frame."""
        head = b"\x7e" + kind + struct.pack("<BH", number, len(data))
        crc = crc32(data, crc32(memoryview(head)[1:])) & 0xFFFF
        self._uart.write(head)
        if data:
            self._uart.write(data)
        self._uart.write(struct.pack("<H", crc))

    def look(self):
        """Take what has come, up to data that somebody is to read first."""
        while not self._end and self._fill():
            if self._is_whole():
                self._deliver()
            else:
                self._drop(1)

    def read_into(self, number, into):
        """Return how much of the data that has come for a connection fits, 0 where none has."""
        if not self._end or self._frame[2] != number:
            return 0
        count = min(len(into), self._end - self._at)
        into[:count] = self._view[self._at : self._at + count]
        self._at += count
        if self._at == self._end:
            self._release()
        return count

    def _fill(self):
        """Tell whether a frame is there, or something that is none."""
        while True:
            wanted, frame = _HEAD, self._frame
            if self._got and frame[0] != _START:
                return True
            if self._got >= _HEAD:
                size = frame[3] | frame[4] << 8
                if size > PIECE:
                    return True
                wanted = _HEAD + size + _CRC
                if self._got >= wanted:
                    return True
            count = self._uart.read_into(self._view[self._got : wanted])
            if not count:
                return False
            self._got += count

    def _is_whole(self):
        frame, size = self._frame, self._frame[3] | self._frame[4] << 8
        if frame[0] != _START or size > PIECE:
            return False
        end = _HEAD + size
        return crc32(self._view[1:end]) & 0xFFFF == frame[end] | frame[end + 1] << 8

    def _drop(self, count):
        """Forget the first bytes: the frame begins behind them."""
        self._got -= count
        self._view[: self._got] = self._view[count : count + self._got]

    def _release(self):
        self._got = self._at = self._end = 0

    def _deliver(self):
        kind, number, end = self._frame[1], self._frame[2], self._got - _CRC
        if kind == 120:  # x: what came before was meant for an earlier start
            self._begun = True
        owner = self._owners.get(number) if self._begun else None
        if owner and kind == 114 and end > _HEAD:  # r
            self._at, self._end = _HEAD, end
            return
        if owner:
            owner.hear(kind, self._view[_HEAD:end])
        self._release()


class Datagrams:
    """An open UDP port at the other end of the line."""

    def __init__(self, line, port):
        self.port = port
        self._line, self._number, self._come, self._asked = line, line.add(self), None, False
        line.send(b"U", self._number, struct.pack("<H", port))

    def send(self, data, address, port):
        """Send one datagram to a numeric address; it may get lost."""
        head = struct.pack("<H", port) + bytes([int(part) for part in address.split(".")])
        self._line.send(b"S", self._number, head + bytes(data))

    def receive(self, into):
        """Return (size, address, port) of one datagram, cut to `into`, or None when nothing is there."""
        if not self._number:
            return None
        self._line.look()
        data, self._come = self._come, None
        if not self._asked:
            self._asked = True
            self._line.send(b"D", self._number, struct.pack("<H", min(len(into), PIECE - _LOCAL)))
        if data is None:
            return None
        count = min(len(into), len(data) - _LOCAL)
        into[:count] = memoryview(data)[_LOCAL : _LOCAL + count]
        return count, "%d.%d.%d.%d" % tuple(data[2:6]), data[0] | data[1] << 8

    def close(self):
        """Let go of the port; calling it twice is allowed."""
        if self._number:
            self._line.send(b"C", self._number)
            self._line.remove(self._number)
            self._number = 0

    def hear(self, kind, data):
        """Take the datagram that was asked for."""
        if kind == 100:  # d
            self._come, self._asked = bytes(data), False


class Network:
    """Connections over a Uart. Names are looked up at the other end."""

    up, name_servers = True, ()

    def __init__(self, uart):
        self._line, self._stream, self._ended = Line(uart), None, False

    def step(self):
        """There is nothing to look after; return the milliseconds until that is wanted again."""
        if self._ended:
            self._ended = False
            if not self._stream:
                unload(("ports.micropython.serial_stream",))
        return _IDLE_MS

    @property
    def busy(self):
        """Tell whether a connection is open, on which something may come at any time."""
        return self._stream is not None

    def connect(self, host, address, port, tls):
        """Return a Stream at once; until it stands reading and writing give None."""
        from ports.micropython.serial_stream import Stream

        if tls:
            raise LinkError("there is no TLS on a serial line: the account needs an http:// URL", 412, 954, True)
        self._stream = Stream(self._line, address, port, self._drop)
        return self._stream

    def udp(self, port=0):
        """Return Datagrams bound to the port, 0 for any."""
        return Datagrams(self._line, port)

    def known(self, name):
        """Return the name itself: the other end of the line knows where that is."""
        return name

    def _drop(self, stream):
        if self._stream is stream:
            self._stream, self._ended = None, True


def make(port, facts, bus=1, baud=_BAUD, **pins):
    """Return the Network over a serial line of the board."""
    return Network(port.uart(bus, baud, **pins))
