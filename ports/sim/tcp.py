"""The server's end of a TCP connection of the simulated network: what a peer sends through.

It starts with ten segments and grows its window by what is acknowledged (slow start; there is no loss, hence nothing ever
shrinks it). It sends whole segments, the rest of what it has, or half of the largest window that the device has offered.
What a peer is called for happens at `Events.now`, which may be before what the clock shows.
"""

from agent.compat import const
from agent.errors import LinkError

HEADERS = const(40)
_FIRST_SEGMENTS = const(10)
_NEVER = const(-1)


class Connection:
    """The server's end, for a peer: `handler.received(data)` is called with what comes, `handler.closed()` at the end."""

    def __init__(self, network, stream):
        self._network = network
        self._events = network.events
        self._stream = stream
        self.link = network.link
        self.handler = None
        self.open = False  # the handshakes are over
        self.sent = 0  # bytes of answers in all
        self.full_us = 0  # time in which the window, and nothing else, kept bytes back
        self._acked = 0
        self._edge = self._largest = self.link.window
        self._most = _FIRST_SEGMENTS * self.link.mss
        self._queue = []
        self._segment = self._rest = b""
        self._closing = self._over = self._stalled = self._ticking = False
        self._fault, self._fault_at, self._rate, self._due_us = "", _NEVER, 0, 0
        self._full_since = _NEVER

    # -- for the peer -------------------------------------------------------------------------------------------------

    def send(self, data):
        """Send bytes, or whatever an iterator gives, piece by piece and not before there is room for it."""
        self._queue.append(iter((data,)) if isinstance(data, (bytes, bytearray, memoryview)) else iter(data))
        self.pump()

    def close(self):
        """Close once everything is sent."""
        self._closing = True
        self.pump()

    def reset(self):
        """Tear the connection at once; what has arrived can still be read."""
        self._drop()
        self._network.down.carry(HEADERS, self._stream.fail, LinkError("the connection was reset"))

    def after_ms(self, wait_ms, act):
        """Call `act` later, unless the connection has ended by then."""
        self._events.at(self._events.now + wait_ms * 1000, self._act, act)

    def spoil(self, kind, at=0, rate=0):
        """Let something go wrong `at` bytes from here: "reset", "close", "stall" (for ever), or "" for nothing.

        `rate` is the number of bytes a second from here on, 0 for what the link gives. To be called before `send`.
        """
        self._fault, self._fault_at = kind, self.sent + at if kind else _NEVER
        self._rate, self._due_us = rate, self._events.now

    # -- for the device's end -----------------------------------------------------------------------------------------

    def incoming(self, data):
        """Take bytes of the device."""
        if self._stalled:
            return
        if self._over:
            self.reset()
            return
        self._events.at(self._events.now + self.link.half_us, self._stream.taken, len(data))
        self.handler.received(data)

    def acknowledged(self, count, edge):
        """Take note of what the device has, and how far it would take more."""
        self._most += count - self._acked
        self._acked = count
        self._largest = max(self._largest, edge - count)
        self._edge = edge
        self.pump()

    def gone(self):
        """The device has closed, or vanished."""
        if not self._over or self._stalled:
            self._stalled = False
            self._drop()
            if hasattr(self.handler, "closed"):
                self.handler.closed()

    def pump(self):
        """Send what may be sent now."""
        while self.open and not self._over and self._send_one():
            pass

    # -- pieces -------------------------------------------------------------------------------------------------------

    def _send_one(self):
        if self.sent == self._fault_at:
            self._fail()
            return False
        if not self._segment:
            self._segment = self._gather()
        if not self._segment:
            if self._closing:
                self._over = True
                self._network.down.carry(HEADERS, self._stream.end)
            return False
        count = self._allowed(len(self._segment))
        if count:
            segment, self._segment = self._segment[:count], self._segment[count:]
            self.sent += count
            self._network.down.carry(count + HEADERS, self._stream.arrive, segment)
        return count

    def _gather(self):
        """Return the next segment, b"" where nothing is left; ends where the fault is to happen."""
        most, parts, size = self.link.mss, [], 0
        if self._fault_at >= 0:
            most = min(most, self._fault_at - self.sent)
        while size < most and (self._rest or self._queue):
            if not self._rest:
                self._advance()
                continue
            part = self._rest[: most - size]
            self._rest = self._rest[len(part) :]
            parts.append(bytes(part))
            size += len(part)
        return b"".join(parts)

    def _advance(self):
        """Ask for the next piece; an iterator that has none is done."""
        try:
            self._rest = memoryview(bytes(next(self._queue[0])))
        except StopIteration:
            self._queue.pop(0)

    def _allowed(self, size):
        """Return how many of `size` bytes may go now."""
        if self._rate:
            size = self._slowed(size)
        room, count = self._edge - self.sent, 0
        if self.sent + size <= self._acked + self._most:
            count = size if size <= room else room if room >= self._largest // 2 else 0
        self._note_full(size and not count)
        if count and self._rate:
            self._due_us = self._events.now + count * 1000000 // self._rate
        return count

    def _slowed(self, size):
        if self._events.now < self._due_us:
            if not self._ticking:
                self._ticking = True
                self._events.at(self._due_us, self._tick)
            return 0
        return min(size, max(1, self._rate // 10))

    def _tick(self):
        self._ticking = False
        self.pump()

    def _note_full(self, full):
        if full and self._full_since < 0:
            self._full_since = max(self._events.now, self._network.down.free_us)
        elif not full and self._full_since >= 0:
            self.full_us += max(0, self._events.now - self._full_since)
            self._full_since = _NEVER

    def _act(self, act):
        if not self._over:
            act()

    def _fail(self):
        kind = self._fault
        self._drop()
        self._stalled = kind == "stall"
        if kind == "reset":
            self.reset()
        elif kind == "close":
            self._network.down.carry(HEADERS, self._stream.end)

    def _drop(self):
        self._over = True
        self._queue, self._segment, self._rest = [], b"", b""
