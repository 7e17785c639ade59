"""Update packages as devices fetch them: bytes with a validator and ranges, and the descriptor that announces them.

Knows no sockets: a request's fields in, an Answer out.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote
from xml.sax.saxutils import escape

from flash_tools.server.web_faults import Answer

PACKAGE_TYPE = "application/vnd.fumo-agent.package"
DESCRIPTOR_TYPE = "application/vnd.oma.dd+xml"
_NAMESPACE = "http://www.openmobilealliance.org/xmlns/dd"
_MOST_NOTES = 1000
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})$")  # longer numbers are no range

Descriptor = Mapping[str, object] | bytes | None


class Package:
    """`descriptor` changes elements of the descriptor (None takes one out, a list repeats it), or is all of its bytes."""

    def __init__(self, name: str, data: bytes, descriptor: Descriptor, base: Callable[[], str], content_type: str):
        self.name = name
        self.descriptor = descriptor
        self.content_type = content_type
        self.notifications: list[tuple[str, str]] = []  # (token, what was POSTed)
        self.facts: dict = {}  # what its manifest says, where somebody looked
        self.external = ""  # where it is served, if not here
        self.added = 0.0
        self._base = base
        self.replace(data)

    def replace(self, data: bytes):
        """Put another file in its place."""
        self.data = bytes(data)
        self.etag = '"%s"' % hashlib.sha256(self.data).hexdigest()[:16]

    @property
    def url(self) -> str:
        """Return where the file is."""
        return self.external or "%s/packages/%s" % (self._base(), quote(self.name))

    def private_url(self, token: str, descriptor: bool) -> str:
        """Return where somebody who has the token finds the file, or its descriptor."""
        if self.external and not descriptor:
            return self.external
        return "%s/d/%s/%s" % (self._base(), quote(token), quote(self.name) + (".dd" if descriptor else ""))

    @property
    def descriptor_url(self) -> str:
        """Return where the descriptor is; with `?t=TOKEN` it names a place of its own for the notification."""
        return "%s/descriptors/%s.dd" % (self._base(), quote(self.name))

    @property
    def size(self) -> int:
        """Return the size of the file, wherever it is."""
        return len(self.data) or self.facts.get("package_size", 0)

    def notify_url(self, token: str | None = None) -> str:
        """Return where install notifications go."""
        return "%s/notify/%s" % (self._base(), quote(token or self.name))

    def note_notification(self, token: str, text: str):
        """Note an install notification."""
        self.notifications = [*self.notifications[-_MOST_NOTES:], (token, text)]

    def descriptor_bytes(self, token: str | None = None, private: bool = False) -> bytes:
        """Return the descriptor; a `private` one names the place that only the token opens."""
        if isinstance(self.descriptor, bytes):
            return self.descriptor
        url = self.private_url(token, False) if private else self.url
        elements = {"type": self.content_type, "size": self.size, "objectURI": url}
        elements |= {"installNotifyURI": self.notify_url(token), "name": self.name, **(self.descriptor or {})}
        lines = [_lines(name, value) for name, value in elements.items() if value is not None]
        text = '<?xml version="1.0" encoding="UTF-8"?>\n<media xmlns="%s">\n%s</media>\n' % (_NAMESPACE, "".join(lines))
        return text.encode()

    def answer(self, fields: Mapping[str, str]) -> Answer:
        """Answer a GET or HEAD of the file."""
        headers = {"content-type": self.content_type, "etag": self.etag, "accept-ranges": "bytes"}
        span = None
        if fields.get("if-range", self.etag) == self.etag:
            span = _span(fields.get("range", ""), len(self.data))
        if span is None:
            return Answer(200, headers, self.data)
        first, end = span
        if first >= end:
            return Answer(416, {**headers, "content-range": "bytes */%d" % len(self.data)})
        headers["content-range"] = "bytes %d-%d/%d" % (first, end - 1, len(self.data))
        return Answer(206, headers, memoryview(self.data)[first:end])  # many devices at once, and no copy for each


def _span(text: str, size: int) -> tuple[int, int] | None:
    """Return (first, end) of a Range; an empty span cannot be given, None means that there is no Range to heed."""
    match = _RANGE.match(text.replace(" ", ""))
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size


def _lines(name, value):
    values = value if isinstance(value, list | tuple) else [value]
    return "".join("  <%s>%s</%s>\n" % (name, escape(str(each)), name) for each in values)
