"""Ask a time server, SNTP version 4 (RFC 4330): what goes out and comes in as bytes, and a query that never blocks.

The answer is good to the time it was on its way, a few seconds at most: enough for the dates of certificates.
"""

import struct

from agent.compat import const
from agent.errors import LinkError

SIZE = const(48)
_PORT = const(123)
_ASK = const(0x23)  # version 4, mode 3: a client
_SERVER = const(4)
_ORIGINATE = const(24)
_TRANSMIT = const(40)
_ERA = 2208988800  # from 1900, the start of era 0, to 1970
_ROUND = 4294967296  # an era ends in 2036
_TRIES = const(3)
_WAIT_MS = const(3000)


def request(stamp):
    """Return the datagram that asks; `stamp` is 8 random bytes, which only the server that was asked can send back."""
    return bytes([_ASK]) + bytes(_TRANSMIT - 1) + stamp


def answer(data, stamp):
    """Return seconds since 1970; None for what is no answer to `stamp`; LinkError where the server has no time."""
    if len(data) < SIZE or data[0] & 7 != _SERVER or data[_ORIGINATE : _ORIGINATE + 8] != stamp:
        return None
    seconds = struct.unpack_from(">I", data, _TRANSMIT)[0]
    if data[0] >> 6 == 3 or not 1 <= data[1] <= 15 or not seconds:
        raise LinkError("the time server has no time to give", 412)
    return seconds - _ERA + (0 if seconds >> 31 else _ROUND)


class Query:
    """Asks `address`, a numeric one, up to three times; `random(below)` comes from the board."""

    def __init__(self, net, address, clock, random, port=_PORT):
        self._net, self._clock, self._random = net, clock, random
        self._peer = address, port
        self._datagrams = None
        self._data, self._stamp = bytearray(SIZE), b""
        self._tries = self._sent_at = 0

    def step(self):
        """Return seconds since 1970, None while there is no answer; raise LinkError once enough was tried."""
        found = None
        try:
            if self._tries and 0 <= self._clock.since(self._sent_at) < _WAIT_MS:
                found = self._receive()
            else:
                self._send()
        except LinkError:
            self.close()
            raise
        if found is not None:
            self.close()
        return found

    def close(self):
        """Let go of the socket; calling it twice is allowed."""
        if self._datagrams:
            self._datagrams.close()
            self._datagrams = None

    def _send(self):
        if self._tries >= _TRIES:
            raise LinkError("the time server does not answer", 412)
        self._tries += 1
        self._datagrams = self._datagrams or self._net.udp()
        self._stamp = bytes([self._random(256) for _ in range(8)])  # a new one: a late answer would be a wrong one
        self._sent_at = self._clock.ms()
        try:
            self._datagrams.send(request(self._stamp), *self._peer)
        except LinkError:
            pass  # as if it were lost on its way

    def _receive(self):
        try:
            came = self._datagrams.receive(self._data)
        except LinkError:  # nobody listens there, or not yet
            return None
        return answer(memoryview(self._data)[: came[0]], self._stamp) if came else None
