"""Lines of standard input as commands, without ever waiting for one; and the user of the device, who answers there."""

import select
import sys

_LONGEST = 200


class Console:
    """`wait(ms)` waits for input or the time; `take()` gives the next whole line, None where there is none."""

    def __init__(self):
        self._poll = select.poll()
        self._text = b""
        self._file, self.ended = None, False
        try:
            self._file = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
            self._poll.register(sys.stdin, select.POLLIN)
        except (AttributeError, OSError, ValueError):  # closed, or of a kind that cannot be polled
            self._file = None

    def wait(self, most_ms):
        """Wait for at most that long, less if input is there."""
        self._poll.poll(most_ms)

    def take(self):
        """Return the next line that is there, as a list of words."""
        while self._file and self._poll.poll(0):
            byte = self._file.read(1)
            if not byte:
                self._poll.unregister(sys.stdin)
                self._file, self.ended = None, True
            elif byte == b"\n":
                line, self._text = self._text, b""
                return str(line.replace(b"\r", b""), "utf-8").split()
            elif len(self._text) < _LONGEST:
                self._text += byte
        return None


class User:
    """A user interface (see agent/ui.py): says `reply`, or asks at the console where that is None."""

    pause_ms = 100

    def __init__(self, reply, say):
        self._reply, self._say = reply, say
        self._question = None
        self._answered = None

    def answer(self, question):
        """Return the user's answer, None while there is none."""
        if self._reply is not None:
            return self._for(question, self._reply)
        if self._question is not question:
            self._question, self._answered = question, None
            self._say("question", question.kind, " ".join(question.text.split()))
        return None if self._answered is None else self._for(question, self._answered)

    def hear(self, reply):
        """The user has said something: True for yes, False for no."""
        self._answered = reply

    def _for(self, question, reply):
        if question.kind == 1100:
            return 200, ()
        if question.kind > 1101:
            return 406, ()
        return (200 if reply else 304), ()
