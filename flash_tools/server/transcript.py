"""What went over the wire, for people: numbered steps with decoded messages, times and sizes, secrets taken out.

The recorder keeps bytes as they came; they are decoded when somebody writes the file.
"""

import pathlib
import re
import time
from collections import deque
from dataclasses import dataclass
from threading import Lock

from flash_tools.server.dm.codec import CodecError, decode
from flash_tools.server.dm.element import Element

_MOST = 50000  # steps that are kept; a server in the field wants fewer: each has a body
_SHOWN, _FIELD = 120, 1024  # characters of a value, of a header field and of a title
_FIELDS = ("content-type", "content-length", "x-syncml-hmac", "range", "if-range", "etag", "content-range")
_FIELDS += ("last-modified", "location", "retry-after", "accept", "connection", "date")
_MAC = re.compile(r"(mac=)[^,]*")
_TO_SERVER, _TO_DEVICE, _BESIDE = "device -> server", "server -> device", "----"


@dataclass(slots=True)
class Step:
    """One line of the HTTP conversation with what it carried, a notification, or a remark."""

    at: float  # seconds on the monotonic clock
    direction: str
    title: str
    fields: dict[str, str]
    body: bytes = b""
    content_type: str = ""
    kind: str = ""  # of the request, see web_faults.KINDS
    connection: int = 0
    wire_bytes: int = 0  # above TLS, head included
    fault: str = ""


class Transcript:
    """Steps in the order of time; a part of it is a transcript, too."""

    def __init__(self, secrets: set[str] | None = None, most: int = _MOST, body_most: int | None = None):
        self.steps: deque[Step] = deque(maxlen=most)
        self.secrets = secrets if secrets is not None else set()  # texts that must not be shown
        self._body_most = body_most  # bytes that are kept of a body; strangers send some, too
        self._lock = Lock()

    def request(self, kind, connection, title, headers, body) -> Step:
        """Note a request."""
        return self._add(_TO_SERVER, title, headers, body, kind, connection)

    def answer(self, kind, connection, title, headers, body) -> Step:
        """Note an answer."""
        return self._add(_TO_DEVICE, title, headers, body, kind, connection)

    def datagram(self, title: str, body: bytes) -> Step:
        """Note a notification."""
        step = self._add(_TO_DEVICE, title, {}, body, "notification", 0)
        step.wire_bytes = len(body)
        return step

    def note(self, text: str) -> Step:
        """Note what happened beside the wire: a power cut, what the user did."""
        return self._add(_BESIDE, text, {}, b"", "", 0)

    def _add(self, direction, title, headers, body, kind, connection):
        fields = {name: value[:_FIELD] for name, value in headers.items() if name in _FIELDS}
        title, body = title[:_FIELD], body[: self._body_most]
        step = Step(time.monotonic(), direction, title, fields, body, fields.get("content-type", ""), kind, connection)
        with self._lock:
            self.steps.append(step)
        return step

    def since(self, at: float) -> "Transcript":
        """Return the steps from a time on."""
        part = Transcript(self.secrets, self.steps.maxlen)
        with self._lock:
            part.steps.extend(step for step in self.steps if step.at >= at)
        return part

    def count(self, kind: str) -> int:
        """Return how many requests of a kind there are."""
        return sum(step.kind == kind and step.direction == _TO_SERVER for step in self.steps)

    def wire_bytes(self, *kinds: str) -> int:
        """Return the bytes above TLS, both directions, of the kinds (none: all)."""
        return sum(step.wire_bytes for step in self.steps if not kinds or step.kind in kinds)

    def text(self) -> str:
        """Return all steps as text."""
        steps = list(self.steps)
        start = steps[0].at if steps else 0
        parts = [self._step(number, step, start) for number, step in enumerate(steps, 1)]
        return "\n".join(parts)

    def write(self, path: str | pathlib.Path):
        """Write the file, and the folder it is in."""
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text(), encoding="utf-8")

    def _step(self, number, step, start):
        head = "%d. %8.3f s  %s  %s" % (number, step.at - start, step.direction, step.title)
        beside = ["connection %d" % step.connection] if step.connection else []
        beside += ["%d bytes" % step.wire_bytes] if step.wire_bytes else []
        beside += ["FAULT: " + step.fault] if step.fault else []
        lines = [head + ("   (%s)" % ", ".join(beside) if beside else "")]
        lines += ["     %s: %s" % (name, _MAC.sub(r"\1(secret)", value)) for name, value in step.fields.items()]
        lines += self._body(step)
        return self._redacted("\n".join(_plain(line) for line in lines)) + "\n"

    def _body(self, step):
        if not step.body:
            return []
        if step.kind == "dm":
            try:
                return ["     " + line for line in _tree(decode(step.body, step.content_type))]
            except CodecError as error:
                return ["     " + str(error)]
        if step.kind in ("descriptor", "notify"):
            return ["     " + line for line in step.body.decode("utf-8", "replace").splitlines()]
        return ["     %s" % _shown(step.body)]

    def _redacted(self, text):
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "(secret)") if secret else text
        return text


def _tree(element: Element, depth: int = 0, path: tuple = ()):
    """Yield an element in lines of XML, indented."""
    indent, name = "  " * depth, element.tag_name
    path = (*path, name)
    if element.children:
        yield "%s<%s>" % (indent, name)
        for child in element.children:
            yield from _tree(child, depth + 1, path)
        yield "%s</%s>" % (indent, name)
    elif element.text:
        text = "(secret)" if path[-2:] in (("Cred", "Data"), ("Meta", "NextNonce")) else _shown(element.text)
        yield "%s<%s>%s</%s>" % (indent, name, text, name)
    else:
        yield "%s<%s/>" % (indent, name)


def _shown(data: bytes) -> str:
    """Return a value that fits a line; binary and long ones are told by their size."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = None
    if text is None or not text.replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable():
        return "(%d bytes: %s%s)" % (len(data), data[:16].hex(), "..." if len(data) > 16 else "")
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return text if len(text) <= _SHOWN else "%s... (%d bytes)" % (text[:_SHOWN], len(data))


def _plain(line: str) -> str:
    """Take control characters out: what devices say is hostile."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
