"""The bytes that a board in this process has said, for a console driver to take."""

import threading
import time

from pexpect import TIMEOUT

_MOST = 1 << 20  # kept for a reader; older ones are lost, as in a terminal


class Wire:
    """`feed` is called by the board's threads, `take` by whoever reads."""

    def __init__(self):
        self._kept, self._news = bytearray(), threading.Condition()

    def feed(self, data: bytes) -> None:
        """Take what the board says."""
        with self._news:
            self._kept += data
            del self._kept[:-_MOST]
            self._news.notify_all()

    def take(self, size: int = 1, timeout: float = 0.0, max_size: int | None = None) -> bytes:
        """Return `size` bytes or more, fewer when the time is over; raise TIMEOUT if there are none."""
        deadline = time.monotonic() + timeout
        with self._news:
            while len(self._kept) < size and deadline > time.monotonic():
                self._news.wait(deadline - time.monotonic())
            if not self._kept:
                raise TIMEOUT("the board said nothing for %.2f s" % timeout)
            count = max_size or len(self._kept)
            taken = bytes(self._kept[:count])
            del self._kept[:count]
            return taken
