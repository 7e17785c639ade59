"""What has happened so far, as the views show it. Takes the lines of devices and the events of the server, from any thread."""

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

STATES = {
    10: "idle", 20: "the download failed", 30: "downloading", 40: "downloaded, is being verified", 50: "ready to update",
    60: "updating", 70: "failed, the package is held", 80: "failed", 90: "updated", 100: "updated",
}  # fmt: skip
_OF_SERVER = ("enrolled", "campaign", "accepted", "notification", "report", "result", "silent", "woken")
_OF_FLEET = ("cut", "reported", "dropped", "defect")
_LINES = 12


@dataclass
class Seen:
    """What one device has shown of itself."""

    power: bool = False
    state: int = 0
    version: str = ""
    bank: int = 0
    trial: bool = False
    progress: int = 0
    boots: int = 0
    session: bool = False
    cuts: list = field(default_factory=list)  # effects, or "between"
    results: list = field(default_factory=list)
    reported: list = field(default_factory=list)
    defects: list = field(default_factory=list)
    lines: deque = field(default_factory=lambda: deque(maxlen=_LINES))

    @property
    def word(self) -> str:
        """Return in a word what it does."""
        if not self.power:
            return "no power"
        if self.trial:
            return "on trial"
        return {0: "idle", 10: "idle", 30: "downloading", 40: "verifying", 50: "ready", 60: "installing"}.get(
            self.state, "updated" if self.state in (90, 100) else "failed"
        )


class Story:
    """`on_say(seconds, text)` hears each sentence; of a fleet not those about single devices, which are kept only."""

    def __init__(self, size: int, names: list[str], on_say=None):
        self.size, self.started, self.names = size, time.monotonic(), names
        self.devices = [Seen() for _ in names]
        self.said: deque = deque(maxlen=60)  # (seconds, text)
        self._on_say, self._alone = on_say, len(names) == 1
        self._lock = threading.RLock()

    @property
    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return time.monotonic() - self.started

    def say(self, text: str) -> None:
        """Add a sentence."""
        with self._lock:
            self.said.append((self.seconds, text))
            if self._on_say:
                self._on_say(self.seconds, text)

    def line(self, index: int, text: str) -> None:
        """Take a line of a device."""
        word, *words = text.split()
        with self._lock:
            seen = self.devices[index]
            seen.lines.append(text)
            step = getattr(self, "_" + word, None) if word in _WORDS else None
            sentence = step(seen, words) if step else None
            if sentence and self._alone:
                self.say(sentence)
            elif sentence and word in _OF_FLEET:
                self.said.append((self.seconds, "%s: %s" % (self.names[index], sentence)))

    def event(self, event: dict) -> None:
        """Take an event of the server."""
        if event["kind"] in _OF_SERVER and (self._alone or event["kind"] == "campaign"):
            device = " " + event["device"] if event["device"] else ""
            self.say("server: %s%s%s" % (event["kind"], device, ": " + event["text"] if event["text"] else ""))

    def counts(self) -> Counter:
        """Return how many devices do what."""
        with self._lock:
            return Counter(seen.word for seen in self.devices)

    def cuts(self) -> tuple[int, int]:
        """Return how often power failed inside a flash operation, and between two."""
        with self._lock:
            all_cuts = [cut for seen in self.devices for cut in seen.cuts]
        return len(all_cuts) - all_cuts.count("between"), all_cuts.count("between")

    def cuts_text(self) -> str:
        """Return that in words."""
        inside, between = self.cuts()
        if not inside + between:
            return "the power was never cut"
        return "power was cut %s inside flash operations, %s between" % (_times(inside), _times(between))

    # -- lines of a device: docs/simulator.md -------------------------------------------------------------------------

    def _boot(self, seen, words):
        seen.power, seen.boots, seen.session, seen.state = True, seen.boots + 1, False, 0
        seen.bank, seen.trial, seen.version = int(words[2]), words[3] == "trial", words[5]
        kind = "on trial" if seen.trial else words[3]
        return "power on: firmware %s runs from bank %s, %s" % (seen.version, seen.bank, kind)

    def _state(self, seen, words):
        seen.state = int(words[0])
        seen.trial = seen.trial and seen.state == 60
        return "State %d: %s" % (seen.state, STATES.get(seen.state, ""))

    def _progress(self, seen, words):
        seen.progress = int(words[0])
        done = 40 * seen.progress // self.size
        return "[%s%s]" % ("#" * done, "." * (40 - done))

    def _session(self, seen, words):
        seen.session = words[0] == "open"
        return "a management session is %s" % ("open" if seen.session else "over")

    def _cut(self, seen, words):
        seen.power, seen.session = False, False
        seen.cuts.append(words[0])
        where = "between two flash operations" if words[0] == "between" else "inside a flash operation: %s" % words[0]
        return "*** the power is cut %s ***" % where

    def _reset(self, seen, words):
        return "the board restarts" if words[0] == "commanded" else "the board is reset: %s" % words[0]

    def _result(self, seen, words):
        seen.results.append(int(words[0]))
        return "the result is %s: it waits in the journal" % words[0]

    def _reported(self, seen, words):
        seen.reported.append(int(words[0]))
        return "the server has taken the result %s" % words[0]

    def _dropped(self, seen, words):
        return "nobody will hear of the result %s" % words[0]

    def _defect(self, seen, words):
        seen.defects.append(" ".join(words))
        return "DEFECT: " + " ".join(words)

    def _end(self, seen, words):
        seen.power = False


_WORDS = ("boot", "state", "progress", "session", "cut", "reset", "result", "reported", "dropped", "defect", "end")


def _times(number):
    return {0: "never", 1: "once"}.get(number, "%d times" % number)
