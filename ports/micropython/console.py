"""The owner's console of a MicroPython board: its serial line. What happens goes there, a line an event; what is typed comes back.

Never waits for what is typed; each turn takes a bounded part of it. A line that fails is given up, the board goes on.
"""

from agent.compat import const
from agent.errors import AgentError
from agent.late import late

LONGEST = const(80)


class Console:
    """`uart` is the serial line or None; `log` says what happens for whoever watches the board's own prompt."""

    def __init__(self, uart, log):
        self._uart, self._log = uart, log
        self._piece = bytearray(32)
        self._line, self._length = bytearray(LONGEST), 0

    def __getattr__(self, name):
        from ports.micropython.console_lines import Lines

        return late(Lines, self, name)

    def say(self, *words):
        """Say an event."""
        line = _printable(" ".join([str(word) for word in words]))
        if not self._uart or not getattr(self._uart, "is_stdout", False):
            self._log("%s", str(line, "utf-8"))
        if self._uart:
            try:
                self._uart.write(line + b"\r\n")
            except AgentError as e:
                self._lose(e)

    def take(self):
        """Return what has been typed: a list of lines, each as its words."""
        try:
            count = self._uart.read_into(self._piece) if self._uart else 0
            return self._lines(count) if count else ()
        except AgentError as e:
            self._lose(e)
            return ()

    def _lose(self, error):
        self._uart = None
        self._log("the console is given up: %s", error)


def _printable(text):
    """Return what may come from a server, in bytes, without what controls a terminal."""
    line = bytearray(text.encode())
    for i in range(len(line)):
        byte = line[i]
        if byte < 32 or byte == 127:
            line[i] = 63
        elif byte < 0xA0 and i and line[i - 1] == 0xC2:  # one of two bytes
            line[i - 1] = line[i] = 63
    return line
