"""A program that is started again whenever it ends, and what it says: what the tests of Linux services and of fake boards share.

Whoever is made from this starts it: `_process` is the one that runs, and `_note` is told what it says and how it ended.
"""

import signal
import threading


class Restarted:
    """`lines` is what it said, each of them given to `hear(line)`; `codes` are its ends so far, negative for signals."""

    _patience_s = 60

    def __init__(self, hear):
        self.lines, self.codes = [], []
        self._hear, self._process = hear, None
        self._news = threading.Condition()

    def wait(self, test, timeout_s=0):
        """Wait until `test()` of what has happened is true."""
        with self._news:
            said = "it said:\n%s\nit ended: %s"
            found = self._news.wait_for(test, timeout_s or self._patience_s)
            assert found, said % ("\n".join(self.lines[-40:]), self.codes[-10:])

    def said(self, *texts, timeout_s=0, since=0):
        """Wait for a line that holds all of these; return it."""
        found = []

        def look():
            found[:] = [line for line in self.lines[since:] if all(text in line for text in texts)]
            return bool(found)

        self.wait(look, timeout_s)
        return found[0]

    def _end_it(self, number=signal.SIGKILL):
        """End the one that runs by a signal, and wait until that is known."""
        with self._news:
            count = len(self.codes)
            if self._signal(number):
                self._news.wait_for(lambda: len(self.codes) > count, 10)

    def _note(self, where, what):
        with self._news:
            where.append(what)
            if where is self.lines:
                self._hear(what)
            self._news.notify_all()

    def _signal(self, number=signal.SIGKILL):
        process = self._process
        if process and process.poll() is None:
            process.send_signal(number)
            return True
        return False
