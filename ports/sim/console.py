"""Lines of standard input and of the serial line as commands, without ever waiting for one."""

import select
import sys

_LONGEST = 200


class Console:
    """`wait(ms)` waits for input or the time; `take()` gives the next whole line, None where there is none."""

    def __init__(self):
        self._poll, self._both = select.poll(), select.poll()
        self._line, self._typed = None, b""
        self._text = b""
        self._file, self.ended = None, False
        try:
            self._file = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
            self._poll.register(sys.stdin, select.POLLIN)
            self._both.register(sys.stdin, select.POLLIN)
        except (AttributeError, OSError, ValueError):  # closed, or of a kind that cannot be polled
            self._file = None

    def wait(self, most_ms):
        """Wait for at most that long, less if input is there."""
        self._both.poll(most_ms)

    def hand_over(self, line):
        """Leave the serial line to somebody else, or (with a line) take it back; return it."""
        before, self._line, self._typed = self._line, line, b""
        if before:
            self._both.unregister(before.file)
        if line and not line.ended:
            self._both.register(line.file, select.POLLIN)
        return before

    def take(self):
        """Return the next line that is there, as a list of words."""
        words = self._take_typed()
        return words if words is not None or not self._line else self._take_sent()

    def _take_typed(self):
        while self._file and self._poll.poll(0):
            byte = self._file.read(1)
            if not byte:
                self._poll.unregister(sys.stdin)
                self._both.unregister(sys.stdin)
                self._file, self.ended = None, True
            elif byte == b"\n":
                line, self._text = self._text, b""
                return str(line.replace(b"\r", b""), "utf-8").split()
            elif len(self._text) < _LONGEST:
                self._text += byte
        return None

    def _take_sent(self):
        byte = bytearray(1)
        while self._line.read_into(byte):
            if byte == b"\n" or byte == b"\r":
                line, self._typed = self._typed, b""
                try:
                    return str(line, "utf-8").split()
                except ValueError:  # noise
                    return []
            if len(self._typed) < _LONGEST:
                self._typed += byte
        if self._line.ended:
            self.hand_over(None)
        return None
