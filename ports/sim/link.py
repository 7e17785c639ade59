"""The wire of the simulated network: what happens later, and how long bytes take in each direction.

A `Link` has the same rate both ways and carries both directions at once. A frame of n bytes occupies its direction for
n * 8 / bits_per_s and arrives half a round trip after its last bit has left. n is the payload plus 40 bytes (28 for a
datagram) of TCP/IP headers; Ethernet, ARP and TLS records are not counted. Nothing is lost unless `up` is False.
"""


class Link:
    """What one access line and one TCP/IP stack are like; sizes in bytes."""

    def __init__(self, bits_per_s=1000000, rtt_ms=20, mss=1460, window=16384, send_buffer=11680):
        self.bits_per_s = bits_per_s
        self.half_us = rtt_ms * 500  # one way
        self.mss = mss
        self.window = window  # what the device offers at most: bytes that it has not read, and those on their way
        self.send_buffer = send_buffer  # bytes that the device has written and nobody has acknowledged
        self.up = True  # False: what is sent meanwhile never arrives, and nothing is sent again


class Events:
    """What is to happen, in order of time; `now` is the time of what happens at this moment."""

    def __init__(self, clock):
        self._clock = clock
        self._later = []  # (us, function, arguments), the next one last
        self.now = clock.us

    def at(self, us, act, *args):
        """Call `act` at a time that is not over yet; what was asked for first goes first."""
        later = self._later
        place = len(later)
        while place and later[place - 1][0] <= us:
            place -= 1
        later.insert(place, (us, act, args))

    def next_us(self):
        """Return the time of the next one, -1 where there is none."""
        return self._later[-1][0] if self._later else -1

    def step(self):
        """Let the next one happen."""
        us, act, args = self._later.pop()
        self.now = max(self.now, us)
        act(*args)

    def catch_up(self):
        """Let everything happen that is due by the clock."""
        until = self._clock.us
        while self._later and self._later[-1][0] <= until:
            self.step()
        self.now = until


class Pipe:
    """One direction of the link; frames leave one after the other."""

    def __init__(self, events, link):
        self._events = events
        self._link = link
        self.free_us = 0
        self.bytes = 0  # with headers
        self.frames = 0
        self.busy_us = 0  # time in which something was leaving

    def carry(self, size, act, *args):
        """Send a frame of `size` bytes, headers included; `act` is called when it arrives."""
        link, events = self._link, self._events
        if not link.up:
            return
        took_us = size * 8000000 // link.bits_per_s
        self.free_us = max(self.free_us, events.now) + took_us
        self.bytes += size
        self.frames += 1
        self.busy_us += took_us
        events.at(self.free_us + link.half_us, act, *args)
