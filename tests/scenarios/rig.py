"""A device under test as the scenarios see it: its power, its user, what it says, and the server it belongs to.

A rig for another kind of board overrides what is not implemented here. What the device says are the event lines of
docs/simulator.md; a board says them on its console, or its rig makes them up from what it can observe.
"""

import threading
import time
from pathlib import Path

TRANSCRIPTS = Path(__file__).resolve().parents[2] / "build" / "transcripts"
WAIT_S = 30


class Rig:
    """One device with one server. Everything it says, and what is done to it, is noted in the server's transcript."""

    address = ("127.0.0.1", 2948)  # where notifications go
    root = "./FUMO"
    xml = False  # its messages are XML
    old = "1.0"  # the version that it runs at first
    request_data = ""  # what its account says for requests
    alive = True  # False: it will say nothing more
    update_s = 60  # for an update, from the order to its report

    def __init__(self, server, device_id):
        self.server, self.device_id = server, device_id
        self.heard = []  # lines, in order
        self._news = threading.Condition()

    # -- what a rig implements ----------------------------------------------------------------------------------------

    def power(self, on: bool):
        """Give the device power, or take it: at once, whatever it does."""
        raise NotImplementedError

    def type(self, line: str):
        """Type a line at the device's console, or press what stands for it."""
        raise NotImplementedError

    def update(self, version: str, behaviour: str = "good", **options) -> bytes:
        """Make an update package for the device."""
        raise NotImplementedError

    # -- what scenarios do --------------------------------------------------------------------------------------------

    def hear(self, line: str):
        """Take a line that the device said."""
        self.server.transcript.note("the device says: " + line)
        with self._news:
            self.heard.append(line)
            self._news.notify_all()

    def wait(self, *texts: str, since: int = 0, timeout_s: float = WAIT_S) -> str:
        """Wait until the device has said a line that begins with one of the texts; return it."""
        deadline = time.monotonic() + timeout_s
        with self._news:
            while True:
                for line in self.heard[since:]:
                    if line.startswith(texts):
                        return line
                left_s = deadline - time.monotonic() if self.alive else 0
                assert left_s > 0, "the device never said %s; it said: %s" % (texts, "; ".join(self.heard[-12:]))
                self._news.wait(min(left_s, 0.5))

    @property
    def now(self) -> int:
        """Return the number of lines that the device has said."""
        return len(self.heard)

    def note(self, text: str):
        """Note what people do."""
        self.server.transcript.note(text)

    def answer(self, yes: bool, question: str):
        """Wait for a question with that text and let the user answer it."""
        deadline, said = time.monotonic() + WAIT_S, 0
        while True:
            line = self.wait("question", since=said, timeout_s=deadline - time.monotonic())
            if question in line:
                break
            said = self.heard.index(line, said) + 1
        self.note("the user says %s" % ("yes" if yes else "no"))
        self.type("yes" if yes else "no")

    def press(self):
        """Let the user ask for an update."""
        self.note("the user presses the button")
        self.type("button")

    def cycle(self, why: str):
        """Take the power, and give it again."""
        self.note("the power goes: " + why)
        self.power(False)
        self.note("the power is back")
        self.power(True)

    def notify(self, **options) -> str:
        """Let the server send package 0; return the SessionID that it asks for."""
        return self.server.notify(self.device_id, self.address, **options)

    def order(self, package, method: str, **options):
        """Let the server order an update, and notify the device."""
        self.note("the operator orders an update: " + method)
        return self.server.order(self.device_id, package, method, notify=self.address, **options)
