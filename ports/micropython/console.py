"""The owner's console of a MicroPython board: its serial line. What happens goes there, a line an event; what is typed comes back.

Never waits for what is typed; each turn takes a bounded part of it. A line that fails is given up, the board goes on.
"""

from agent.compat import const
from agent.errors import AgentError

_LONGEST = const(80)
_PIECES = const(4)  # of what is typed in one turn


class Console:
    """`uart` is the serial line or None; `log` says what happens for whoever watches the board's own prompt."""

    def __init__(self, uart, log):
        self._uart, self._log = uart, log
        self._piece = bytearray(32)
        self._line, self._length = bytearray(_LONGEST), 0

    def say(self, *words):
        """Say an event."""
        line = _printable(" ".join([str(word) for word in words]))
        if not self._uart or not getattr(self._uart, "is_stdout", False):
            self._log("%s", line)
        if self._uart:
            try:
                self._uart.write(line.encode() + b"\r\n")
            except AgentError as e:
                self._lose(e)

    def take(self):
        """Return what has been typed: a list of lines, each as its words."""
        found = []
        for _ in range(_PIECES if self._uart else 0):
            try:
                count = self._uart.read_into(self._piece)
            except AgentError as e:
                self._lose(e)
                break
            if not count:
                break
            self._feed(count, found)
        return found

    def _feed(self, count, found):
        for i in range(count):
            byte = self._piece[i]
            if byte == 10 or byte == 13:
                words = self._words()
                if words:
                    found.append(words)
            elif self._length < _LONGEST:
                self._line[self._length] = byte if 32 <= byte < 127 else 63
                self._length += 1

    def _words(self):
        line, self._length = str(memoryview(self._line)[: self._length], "ascii"), 0
        return line.split()

    def _lose(self, error):
        self._uart = None
        self._log("the console is given up: %s", error)


def _printable(text):
    """Return what may come from a server without what controls a terminal."""
    for c in text:
        if ord(c) < 32 or 127 <= ord(c) < 160:
            return "".join([c if 32 <= ord(c) < 127 or ord(c) >= 160 else "?" for c in text])
    return text
