"""The Uart contract over machine.UART, and over the serial line of the REPL where a board has no other for its owner.

Reading never waits. Writing waits for the line, but not for one that takes nothing.
"""

import sys
import time

from agent.compat import const
from agent.errors import LinkError

_STILL_MS = const(2000)  # nothing taken for that long: nobody reads, or the handshake says no
_NAP_MS = const(1)


class Uart:
    """`uart` is a machine.UART."""

    def __init__(self, uart):
        self._uart = uart

    def read_into(self, into):
        """Return the number of bytes read, 0 where nothing is there; never waits."""
        count = min(self._uart.any(), len(into))
        return count and self._uart.readinto(into, count) or 0  # asked for more, it would wait for its time-out

    def write(self, data):
        """Send all of it; LinkError where the line takes nothing for two seconds."""
        _write_all(self._uart.write, data)


class Repl:
    """The line of the REPL, USB on most boards. What is typed there while nobody reads waits in the board's small buffer.

    Ctrl-C still stops the program: frames of the recovery protocol are text and hold none.
    """

    is_stdout = True  # what is logged can be read here already

    def __init__(self, source=None, sink=None):
        import select

        source, sink = source or sys.stdin, sink or sys.stdout
        self._in, self._out = getattr(source, "buffer", source), getattr(sink, "buffer", sink)
        self._poll, self._readable = select.poll(), select.POLLIN
        self._poll.register(source, self._readable)
        self._byte = bytearray(1)

    def read_into(self, into):
        """Return the number of bytes read, 0 where nothing is there; never waits."""
        count, byte = 0, self._byte
        while count < len(into):
            ready = self._poll.poll(0)
            if not ready or not ready[0][1] & self._readable or not self._in.readinto(byte):
                break
            into[count] = byte[0]
            count += 1
        return count

    def write(self, data):
        """Send all of it; LinkError where the line takes nothing for two seconds."""
        _write_all(self._out.write, data)


def _write_all(write, data):
    left, started = memoryview(data), time.ticks_ms()
    while len(left):
        taken = write(left) or 0
        if taken:
            left, started = left[taken:], time.ticks_ms()
        elif time.ticks_diff(time.ticks_ms(), started) > _STILL_MS:
            raise LinkError("the serial line takes nothing: check the handshake, and who is at the other end")
        else:
            time.sleep_ms(_NAP_MS)
