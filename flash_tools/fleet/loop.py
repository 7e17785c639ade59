"""One thread for many devices: does what is due, and rests in epoll until something is, or comes in on somebody's socket.

Must not know what a device is: it calls functions, at a time or because a file of theirs has become ready.
"""

import heapq
import os
import select
import threading
import time
from collections import deque

_LONGEST_S = 10
_ANSWER_S = 60
READABLE = select.EPOLLIN | select.EPOLLET
EITHER = READABLE | select.EPOLLOUT


class Loop:
    """`at`, `watch` and `forget` are for functions that the loop calls; `call` is for the other threads."""

    def __init__(self):
        self._heap, self._count = [], 0
        self._calls, self._files = deque(), {}
        self._epoll = select.epoll()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._bell, select.EPOLLIN)
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._stopping = False

    def at(self, when: float, function) -> None:
        """Call `function` at that time of time.monotonic(), or soon after."""
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, function))

    def watch(self, number: int, events: int, function) -> None:
        """Call `function` each time that something has changed with an open file."""
        self._files[number] = function
        self._epoll.register(number, events)

    def forget(self, number: int) -> None:
        """End that; call it before the file is closed."""
        if self._files.pop(number, None):
            self._epoll.unregister(number)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and let go of everything."""
        if self._thread.is_alive():
            self._stopping = True
            self._ring()
            self._thread.join()
        if not self._epoll.closed:
            self._epoll.close()
            os.close(self._bell)

    def call(self, function, *arguments):
        """Have the loop call something, wait for it, return what it returns."""
        if threading.current_thread() is self._thread or not self._thread.is_alive():
            return function(*arguments)
        done, result = threading.Event(), []

        def call():
            try:
                result.append((function(*arguments), None))
            except Exception as e:  # it belongs to who has called
                result.append((None, e))
            done.set()

        self._calls.append(call)
        self._ring()
        if not done.wait(_ANSWER_S):
            raise TimeoutError("the fleet does not answer")
        value, error = result[0]
        if error:
            raise error
        return value

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _ring(self):
        os.eventfd_write(self._bell, 1)

    def _run(self):
        while not self._stopping:
            self._rest()
            while self._calls:
                self._calls.popleft()()
            heap, now = self._heap, time.monotonic()
            while heap and heap[0][0] <= now:
                heapq.heappop(heap)[2]()

    def _rest(self):
        wait_s = min(self._heap[0][0] - time.monotonic(), _LONGEST_S) if self._heap else _LONGEST_S
        for number, _ in self._epoll.poll(max(wait_s, 0)):
            if number == self._bell:
                os.eventfd_read(self._bell)
            elif number in self._files:
                self._files[number]()
