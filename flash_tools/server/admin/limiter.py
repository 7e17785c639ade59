"""How often somebody may guess: wrong tokens a minute, for each address and for all of them. Bounded memory.

The same wrong token again is no guess: a script with an old token does not lock out others at its address.
"""

import hashlib
import hmac
import ipaddress
import os
import time
from collections import OrderedDict

EACH_BURST, EACH_S = 10, 6.0  # so many at once, then one in so many seconds
ALL_BURST, ALL_S = 100, 0.6
_ADDRESSES, _KNOWN_WRONG, _TRUSTED = 1024, 256, 64


class Bucket:
    """So many at once, then one every `every_s`."""

    def __init__(self, burst: int, every_s: float, now: float):
        self._burst, self._every_s, self._level, self._at = burst, every_s, float(burst), now

    def wait_s(self, now: float) -> float:
        """Return how long to wait for the next one; 0: not at all."""
        self._level = min(self._burst, self._level + (now - self._at) / self._every_s)
        self._at = now
        return 0 if self._level >= 1 else (1 - self._level) * self._every_s

    def take(self):
        """Use one up."""
        self._level = max(0, self._level - 1)


class Limiter:
    """`clock` gives seconds."""

    def __init__(self, clock=time.monotonic):
        self._clock, self._key = clock, os.urandom(32)
        self._all = Bucket(ALL_BURST, ALL_S, clock())
        self._each: OrderedDict[str, Bucket] = OrderedDict()
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._trusted: OrderedDict[str, None] = OrderedDict()
        self.wrong_tokens = 0

    def is_known(self, token: bytes) -> bool:
        """Tell whether that token was wrong a while ago."""
        return self._digest(token) in self._wrong

    def wait_s(self, address: str) -> float:
        """Return how long an address has to wait until it may try a token."""
        place, now = network(address), self._clock()
        each = self._each[place].wait_s(now) if place in self._each else 0
        return each or (0 if place in self._trusted else self._all.wait_s(now))

    def wrong(self, address: str, token: bytes):
        """Count a wrong token."""
        self.wrong_tokens += 1
        place, now = network(address), self._clock()
        bucket = self._each.get(place) or Bucket(EACH_BURST, EACH_S, now)
        bucket.take()
        self._all.take()
        _keep(self._each, place, bucket, _ADDRESSES)
        _keep(self._wrong, self._digest(token), None, _KNOWN_WRONG)

    def right(self, address: str):
        """Remember an address that had the right token: others' guesses do not lock it out."""
        _keep(self._trusted, network(address), None, _TRUSTED)

    def _digest(self, token):
        return hmac.digest(self._key, token, hashlib.sha256)


def network(address: str) -> str:
    """Return what counts as one address: of IPv6 the first 64 bits."""
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "?"
    return str(number) if number.version == 4 else str(int(number) >> 64)


def _keep(table, key, value, limit):
    table[key] = value
    table.move_to_end(key)
    while len(table) > limit:
        table.popitem(last=False)
