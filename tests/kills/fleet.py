"""Many devices on a few threads: each lives for a moment, rests, and lives again, until it is stopped."""

import heapq
import itertools
import threading
import time
import traceback

_THREADS = 3
_REST_S = (0.1, 0.6)


class Fleet:
    """`add` at any time; `stop` ends the threads, what is under way comes to its end."""

    def __init__(self, truth, source):
        self._truth, self._source = truth, source
        self._queue, self._changed, self._order = [], threading.Condition(), itertools.count()
        self._stopped = False
        self.devices = []
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(_THREADS)]

    def start(self):
        """Begin."""
        for thread in self._threads:
            thread.start()

    def add(self, device):
        """Let a device live."""
        with self._changed:
            self.devices.append(device)
        self._put(device)

    def _put(self, device):
        with self._changed:
            due = time.monotonic() + self._source.uniform(*_REST_S)
            heapq.heappush(self._queue, (due, next(self._order), device))
            self._changed.notify()

    def _next(self):
        """Return a device whose time has come, None at the end."""
        with self._changed:
            while not self._stopped:
                wait = self._queue[0][0] - time.monotonic() if self._queue else 1
                if wait <= 0:
                    return heapq.heappop(self._queue)[2]
                self._changed.wait(wait)
        return None

    def _work(self):
        while (device := self._next()) is not None:
            try:
                device.live()
            except Exception:  # a defect of the test or of the client: it must not pass unseen
                self._truth.violation("%s broke: %s", device.name, traceback.format_exc(limit=-3).replace("\n", " | "))
            self._put(device)

    def stop(self):
        """End."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(20)
        for device in self.devices:
            device.close()
