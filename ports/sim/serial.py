"""The serial line of the simulated device: a terminal that is there already, in raw mode, read without ever waiting.

It implements the Uart contract on both interpreters. What nobody at the other end takes is lost, as on a wire.
"""

import os
import select

from agent.errors import AgentError

try:
    from termios import setraw  # MicroPython
except ImportError:
    from tty import setraw

_PIECE = 64
_PATIENCE_MS = 500
_ONE_CALL = hasattr(os, "read")  # MicroPython's files wait until they have all that was asked for


class SerialLine:
    """`file` can be polled; `ended` tells that the other end is gone for good."""

    def __init__(self, path):
        try:
            self.file = open(path, "r+b", buffering=0)
            setraw(self.file.fileno())
        except Exception as e:  # termios has an error of its own
            raise AgentError("cannot use %s as a serial line: %s" % (path, e))
        self._in, self._out = select.poll(), select.poll()
        self._in.register(self.file, select.POLLIN)
        self._out.register(self.file, select.POLLOUT)
        self.ended = False

    def read_into(self, into):
        """Return the number of bytes read, 0 where nothing is there."""
        count, size = 0, len(into)
        while count < size and self._is_ready(self._in, select.POLLIN, 0):
            data = self._read(size - count)
            if not data:
                break
            into[count : count + len(data)] = data
            count += len(data)
        return count

    def write(self, data):
        """Send all of it, as long as somebody takes it."""
        view = memoryview(data)
        while len(view) and self._is_ready(self._out, select.POLLOUT, _PATIENCE_MS):
            try:
                count = self.file.write(view[:_PIECE])
            except OSError:
                return
            view = view[count or 0 :]

    def _read(self, most):
        try:
            return os.read(self.file.fileno(), most) if _ONE_CALL else self.file.read(1)
        except OSError:
            self.ended = True
            return b""

    def _is_ready(self, poll, wanted, most_ms):
        if self.ended:
            return False
        for _, what in poll.poll(most_ms):
            if what & wanted:
                return True
            self.ended = True  # hung up
        return False
