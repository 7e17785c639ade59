"""Reads a transcript as a story: each numbered step of a scenario has to be found, one after the other.

`step` begins a step, `sent`, `heard` and `noted` find what it consists of, from where the last one was found on. The
written transcript has each step's number and text in front of what was found for it.
"""

from functools import lru_cache

from flash_tools.server.dm.codec import decode
from flash_tools.server.dm.element import Element
from flash_tools.server.transcript import Step, Transcript

TO_SERVER, TO_DEVICE = "device -> server", "server -> device"
_BESIDE = "----"


@lru_cache(maxsize=512)
def _decoded(body, content_type):
    return decode(body, content_type)


class Message:
    """A management message, with questions that scenarios ask of it."""

    def __init__(self, step: Step):
        self.step = step
        self.root = _decoded(step.body, step.content_type)
        self.header, self.body = self.root.find("SyncHdr"), self.root.find("SyncBody")

    @property
    def session_id(self) -> str:
        """Return its SessionID."""
        return self.header.value("SessionID")

    @property
    def final(self) -> bool:
        """Tell whether it ends a package."""
        return self.body.find("Final") is not None

    def all(self, tag_name: str) -> list[Element]:
        """Return the commands of that name, also those inside of others."""
        return [element for element in self.body.walk() if element.tag_name == tag_name]

    def alert(self, code: int) -> Element | None:
        """Return the alert of that code."""
        return next((alert for alert in self.all("Alert") if alert.size("Data") == code), None)

    def status(self, cmd: str, target: str | None = None) -> int | None:
        """Return the first Status of a command, of that target if one is given."""
        for status in self.all("Status"):
            targets = [each.text.decode() for each in status.find_all("TargetRef")]
            if status.value("Cmd") == cmd and (target is None or target in targets):
                return status.size("Data")
        return None

    def items(self, tag_name: str, way: str = "Target") -> dict[str, Element]:
        """Return the Items of all commands of that name by their URI, the first of each."""
        items = [item for command in self.all(tag_name) for item in command.find_all("Item")]
        return {item.value(way, "LocURI"): item for item in reversed(items)}

    @property
    def only_statuses(self) -> bool:
        """Tell whether it commands nothing."""
        return all(child.tag_name in ("Status", "Final") for child in self.body.children)


class Story:
    """`transcript` is read from its beginning on."""

    def __init__(self, transcript: Transcript):
        self._secrets, self._steps = transcript.secrets, list(transcript.steps)
        self._at, self._marks, self._title = 0, [], "the beginning"

    def step(self, number, text: str):
        """Begin a step; it is found with the next thing that is."""
        self._title = "STEP %s: %s" % (number, text)
        self._marks.append([None, self._title])

    def sent(self, direction: str, wanted, what: str) -> Message:
        """Find a management message for which `wanted(message)` is true."""
        return self._find(
            what,
            lambda step: step.kind == "dm" and step.direction == direction and step.body and wanted(Message(step)),
            Message,
        )

    def request(self, kind: str) -> tuple[Step, Step]:
        """Find a request of the kind and its answer."""
        asked = self._find("a request: " + kind, lambda step: step.kind == kind and step.direction == TO_SERVER)
        wanted = lambda step: step.connection == asked.connection and step.direction == TO_DEVICE  # noqa: E731
        return asked, self._find("its answer", wanted)

    def datagram(self) -> Step:
        """Find package 0."""
        return self._find("package 0", lambda step: step.kind == "notification")

    def heard(self, text: str) -> str:
        """Find a line of the device that begins with the text; return what follows it."""
        line = "the device says: " + text
        return (
            self._find("the device saying " + text, lambda step: step.title.startswith(line)).title[len(line) :].strip()
        )

    def noted(self, text: str) -> Step:
        """Find what somebody did."""
        return self._find(text, lambda step: step.direction == _BESIDE and step.title.startswith(text))

    @property
    def last(self) -> Step:
        """Return what was found last."""
        return self._steps[self._at]

    def hears(self, words: str):
        """Find what the device says, and stay here: its lines may come later than what it sends."""
        at = self._at
        self.heard(words)
        self._at = at

    def before(self, kind: str) -> int:
        """Return how many requests of a kind there are up to here."""
        return sum(step.kind == kind and step.direction == TO_SERVER for step in self._steps[: self._at])

    def _find(self, what, wanted, make=lambda step: step):
        for at in range(self._at, len(self._steps)):
            if wanted(self._steps[at]):
                self._at = at
                for mark in self._marks:
                    mark[0] = at if mark[0] is None else mark[0]
                return make(self._steps[at])
        raise AssertionError("%s: there is no %s behind line %d of\n%s" % (self._title, what, self._at, self.outline()))

    def rest(self, kind: str) -> list[Step]:
        """Return the requests of a kind that follow."""
        return [step for step in self._steps[self._at + 1 :] if step.kind == kind and step.direction == TO_SERVER]

    def outline(self) -> str:
        """Return a line for each thing that happened."""
        return "\n".join("%d %s %s" % (at, step.direction, step.title) for at, step in enumerate(self._steps))

    def write(self, path):
        """Write the transcript with the steps in it."""
        told = Transcript(self._secrets)
        for at, step in enumerate(self._steps):
            told.steps.extend(Step(step.at, "====", text, {}) for found, text in self._marks if found == at)
            told.steps.append(step)
        told.write(path)
