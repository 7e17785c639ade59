"""Reads the bodies of requests with bounds: in bytes, and in time by a slowest speed."""

import asyncio
import contextlib

from flash_tools.server.admin.refusals import Refused

PACKAGE_MAX, OTHER_MAX, STRANGER_MAX = 64 << 20, 1 << 20, 4096
FIRST_S, SLOWEST = 20, 8192  # seconds that every body has, and bytes a second beyond these
_UPLOADS = {"/api/packages": 0, "/packages": 1 << 16}  # path -> what the form around the file may take
_DRAIN_S, _DRAIN_MAX, _PAUSE_S = 10, 1 << 30, 1


def limit_of(method: str, path: str) -> int:
    """Return how long a body may be."""
    if method != "POST" or path not in _UPLOADS:
        return OTHER_MAX
    return PACKAGE_MAX + _UPLOADS[path]


def announced(headers) -> int:
    """Return what Content-Length says; 0 where it says nothing."""
    text = headers.get("content-length", "")
    return int(text[:18]) if text.isascii() and text.isdigit() else 0


class Body:
    """Stands in for `receive`: what comes through it ends in 413 or 408 where it is too much or too slow."""

    def __init__(self, receive, limit: int):
        self._receive, self.limit, self.received, self.whole = receive, limit, 0, False
        self._started = None

    async def __call__(self):
        """Return the next message."""
        if self.whole:
            return await self._receive()
        message = await self._in_time()
        self.received += len(message.get("body", b""))
        self.whole = message["type"] == "http.disconnect" or not message.get("more_body")
        if self.received > self.limit:
            raise too_long(self.limit)
        return message

    async def _in_time(self):
        now = asyncio.get_running_loop().time()
        self._started = self._started or now
        left = self._started + FIRST_S + self.received / SLOWEST - now
        try:
            return await asyncio.wait_for(self._receive(), max(0.001, left))
        except TimeoutError:
            self.whole = True
            raise Refused(408, "the body comes too slowly", Connection="close") from None

    async def drain(self):
        """Read on, once, and keep nothing: who is still sending would not hear the answer."""
        loop, count = asyncio.get_running_loop(), 0
        end = loop.time() + (_DRAIN_S if self.limit > STRANGER_MAX else _PAUSE_S)
        with contextlib.suppress(TimeoutError):
            while not self.whole and count < _DRAIN_MAX and loop.time() < end:
                message = await asyncio.wait_for(self._receive(), _PAUSE_S)
                count += len(message.get("body", b""))
                self.whole = message["type"] == "http.disconnect" or not message.get("more_body")
        self.whole = True


def too_long(limit: int) -> Refused:
    """Return what a body that is too long is refused with."""
    return Refused(413, "the body is too long: at most %d bytes here" % limit, Connection="close")
