"""What is typed on the console, made into lines of words: in memory only while somebody types. See console.py."""

from agent.compat import const
from agent.errors import AgentError
from ports.micropython.console import LONGEST, Console

_PIECES = const(4)  # of what is typed in one turn


class Lines(Console):
    """The methods of Console for what has come."""

    def _lines(self, count):
        """Return the lines that have ended, each as its words; `count` bytes have been read."""
        found = []
        self._feed(count, found)
        for _ in range(_PIECES - 1):
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
            elif self._length < LONGEST:
                self._line[self._length] = byte if 32 <= byte < 127 else 63
                self._length += 1

    def _words(self):
        line, self._length = str(memoryview(self._line)[: self._length], "ascii"), 0
        return line.split()
