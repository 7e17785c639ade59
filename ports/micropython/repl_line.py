"""The Uart contract over the serial line of the REPL, for a board that has no other for its owner."""

import sys

from ports.micropython.uart import write_all


class Repl:
    """The line of the REPL, USB on most boards. What is typed there while nobody reads waits in the board's small buffer.

    Ctrl-C still stops the program: frames of the recovery protocol are text and hold none.
    """

    is_stdout = True  # what is logged can be read here already

    def __init__(self, source=None, sink=None):
        source, sink = source or sys.stdin, sink or sys.stdout
        self._in, self._out = getattr(source, "buffer", source), getattr(sink, "buffer", sink)
        import select  # which a firmware without such a console may lack

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
        write_all(self._out.write, data)
