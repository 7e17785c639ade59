"""The device's end of a TCP connection of the simulated network: the Stream contract over a stack like lwIP's.

Every second segment is acknowledged at once, a single one after 40 ms. The window is what `Link.window` leaves beside the
unread bytes; its edge moves by one segment (or half the window) at least, and what the application reads is told on its own
once the edge would move by a quarter of the window, or by four segments. The stack works while the application does not.
Sending knows no window but the send buffer.
"""

from agent.compat import const
from agent.errors import LinkError
from ports.sim.tcp import HEADERS

_DELAYED_ACK_US = const(40000)


class Stream:
    """The device's end."""

    def __init__(self, network):
        self._network = network
        self._events = network.events
        self._link = network.link
        self.connection = None
        self.ready = self.closed = False
        self.received = 0  # bytes that have arrived
        self.first_us = -1  # when the first bit of the first answer came
        self._queue = []  # memoryviews, oldest first
        self._unread = self._told = self._segments = 0
        self._edge = self._link.window
        self._error = None
        self._ended = self._delaying = self._refused = False
        self._unsent = 0

    def read_into(self, into):
        """Return the number of bytes read, 0 when the peer has closed, None when nothing is there yet."""
        self._events.catch_up()
        if self._queue:
            return self._take(into)
        if self._error:
            raise self._error
        if self._ended or self.closed:
            return 0
        self._network.fresh = False
        return None

    def write(self, data):
        """Return the number of bytes taken, None when none can be taken now."""
        self._events.catch_up()
        if self._error:
            raise self._error
        if self.closed:
            raise LinkError("the connection is closed")
        count = min(self._link.send_buffer - self._unsent, len(data))
        if not self.ready or count <= 0:
            self._refused = True
            return None
        data = bytes(data[:count])
        self._unsent += count
        for start in range(0, count, self._link.mss):
            piece = data[start : start + self._link.mss]
            self._network.up.carry(len(piece) + HEADERS, self.connection.incoming, piece)
        return count

    def close(self):
        """Let go of the connection; calling it twice is allowed."""
        self._events.catch_up()
        if not self.closed and self.connection:
            self._network.up.carry(HEADERS, self.connection.gone)
        self.vanish()

    # -- for the network ----------------------------------------------------------------------------------------------

    def vanish(self):
        """Forget everything without telling the server."""
        self.closed, self._queue = True, []
        self._network.forget(self)

    def establish(self):
        """The handshakes are over."""
        if not self.closed:
            self.ready = self._network.fresh = True
            self._refused = False
            self.connection.open = True
            self.connection.pump()

    def arrive(self, segment):
        """Take a segment of the server's."""
        if self.closed:
            return
        if self.first_us < 0:
            self.first_us = self._events.now - (len(segment) + HEADERS) * 8000000 // self._link.bits_per_s
        self._network.fresh = True
        self._queue.append(memoryview(segment))
        self._unread += len(segment)
        self.received += len(segment)
        self._segments += 1
        if self._segments >= 2:
            self._acknowledge()
        elif not self._delaying:
            self._delaying = True
            self._events.at(self._events.now + _DELAYED_ACK_US, self._acknowledge_late)

    def taken(self, count):
        """The server has that many bytes more."""
        self._unsent -= count
        if self._refused:
            self._refused, self._network.fresh = False, True

    def end(self):
        """The server has closed."""
        self._ended = self._network.fresh = True

    def fail(self, error):
        """From here on there is only this error, behind what can still be read."""
        if not self.closed and not self._error:
            self._error = error
            self._network.fresh = True

    # -- pieces -------------------------------------------------------------------------------------------------------

    def _take(self, into):
        done, size = 0, len(into)
        while done < size and self._queue:
            head = self._queue[0]
            count = min(size - done, len(head))
            into[done : done + count] = head[:count]
            done += count
            if count == len(head):
                self._queue.pop(0)
            else:
                self._queue[0] = head[count:]
        self._unread -= done
        grown = self.received + self._link.window - self._unread - self._edge
        if grown >= min(self._link.window // 4, 4 * self._link.mss):
            self._acknowledge()
        return done

    def _acknowledge(self):
        link = self._link
        edge = self.received + link.window - self._unread
        if edge - self._edge >= min(link.window // 2, link.mss):
            self._edge = edge
        self._segments, self._told = 0, self.received
        self._network.up.carry(HEADERS, self.connection.acknowledged, self.received, self._edge)

    def _acknowledge_late(self):
        self._delaying = False
        if not self.closed and self._told < self.received:
            self._acknowledge()
