"""The Uart contract over machine.UART. Reading never waits. Writing waits for the line, but not for one that takes nothing."""

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
        write_all(self._uart.write, data)


def write_all(write, data):
    """Send all of it by a `write` that takes what it can."""
    left, started = memoryview(data), time.ticks_ms()
    while len(left):
        taken = write(left) or 0
        if taken:
            left, started = left[taken:], time.ticks_ms()
        elif time.ticks_diff(time.ticks_ms(), started) > _STILL_MS:
            raise LinkError("the serial line takes nothing: check the handshake, and who is at the other end")
        else:
            time.sleep_ms(_NAP_MS)
