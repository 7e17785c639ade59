"""One connection over the serial line of serial_net.py: in memory only while one is open."""

import struct

from agent.errors import LinkError
from ports.micropython.serial_net import PIECE


class Stream:
    """One connection."""

    def __init__(self, line, host, port, closed):
        self._line, self._closed = line, closed
        self._number = line.add(self)
        self._stands = self._asked = self._writing = self._ended = False
        self._error = None
        line.send(b"O", self._number, struct.pack("<H", port) + host.encode())

    def read_into(self, into):
        """Return the number of bytes read, 0 when the peer has closed, None when nothing is there yet."""
        count = 0
        if self._number:
            self._line.look()
            count = self._line.read_into(self._number, into)
        if count:
            self._asked = False
            return count
        if self._error:
            raise self._error
        if self._ended:
            return 0
        if self._stands and not self._asked:
            self._asked = True
            self._line.send(b"R", self._number, struct.pack("<H", PIECE))
        return None

    def write(self, data):
        """Return the number of bytes taken, None when none can be taken now."""
        if self._number:
            self._line.look()
        if self._error:
            raise self._error
        if not self._stands or self._writing:
            return None
        count = min(len(data), PIECE)
        self._writing = True
        self._line.send(b"W", self._number, memoryview(data)[:count])
        return count

    def close(self):
        """Let go of the connection; calling it twice is allowed."""
        if self._number:
            self._line.send(b"C", self._number)
            self._line.remove(self._number)
            self._number = 0
            self._closed(self)
        self._error = self._error or LinkError("the connection is closed", 503, 903)

    def hear(self, kind, data):
        """Take an answer that is no data."""
        if kind == 111:  # o
            self._stands = True
        elif kind == 119:  # w
            self._writing = False
        elif kind == 122:  # z
            self._ended = True
        elif kind == 101:  # e
            why = "the other end of the serial line says: " + str(bytes(data), "utf-8")
            self._error = LinkError(why, 503, 903) if self._stands else LinkError(why, 412, 954)
