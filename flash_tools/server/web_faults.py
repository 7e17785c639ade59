"""Faults of HTTP and below by script: what goes wrong, for which requests, and how many times.

`script.add("package", cut(1024), times=2)`: the next two answers to GETs of packages end in a reset after 1,024 bytes.
The kinds of requests are those of KINDS. What faults do to the wire is delivery.py's matter, those of OMA DM dm/faults.py's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock

from flash_tools.errors import ToolError

KINDS = ("dm", "package", "descriptor", "notify", "other", "any")
ENDS = ("reset", "close", "stall")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer before it is written."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes = b""

    def with_headers(self, **changed: str | None) -> "Answer":
        """Return the same with other header fields: `retry_after` is retry-after, None takes one away."""
        headers = {**self.headers, **{name.replace("_", "-"): value for name, value in changed.items()}}
        return replace(self, headers={name: value for name, value in headers.items() if value is not None})


@dataclass(frozen=True)
class WebFault:
    """One thing that goes wrong; see the functions below."""

    name: str
    act: Callable[[], object] | None = None  # called before the request is looked at
    unanswered: str = ""  # the request is not looked at, the connection ends: one of ENDS
    lost: str = ""  # the request is acted upon, then the connection ends
    whole: bool = False  # the Range of the request is not seen
    change: Callable[[Answer], Answer] | None = None
    delay_s: float = 0
    cut: int | None = None  # bytes of the body that are sent before the connection ends as `end` says
    end: str = "close"
    rate: int | None = None  # bytes a second
    announce: int = 0  # how much more than the body Content-Length announces
    twice: bool = False
    endless: bool = False

    @property
    def is_raw(self) -> bool:
        """Tell whether no HTTP library would send that."""
        return self.cut is not None or bool(self.rate or self.announce or self.twice or self.endless)


@dataclass
class Entry:
    """A fault in the script; `used` counts."""

    kind: str
    fault: WebFault
    times: int | None
    skip: int
    used: int = 0
    _seen: int = field(default=0, repr=False)

    def wants(self, kind: str) -> bool:
        """Tell whether it is this request's turn; counts."""
        if self.kind not in (kind, "any") or (self.times is not None and self.used >= self.times):
            return False
        self._seen += 1
        if self._seen <= self.skip:
            return False
        self.used += 1
        return True


class WebFaults:
    """The script. The first entry that wants a request gets it."""

    def __init__(self):
        self._entries: list[Entry] = []
        self._lock = Lock()

    def add(self, kind: str, fault: WebFault, *, times: int | None = 1, skip: int = 0) -> Entry:
        """Let the fault befall `times` requests of the kind (None: all), after `skip` of them."""
        if kind not in KINDS:
            raise ToolError("there are no requests of the kind %r, only %s" % (kind, ", ".join(KINDS)))
        entry = Entry(kind, fault, times, skip)
        with self._lock:
            self._entries.append(entry)
        return entry

    def clear(self):
        """Forget all."""
        with self._lock:
            self._entries.clear()

    def take(self, kind: str) -> WebFault | None:
        """Return the fault for a request."""
        with self._lock:
            return next((entry.fault for entry in self._entries if entry.wants(kind)), None)


# -- another answer ---------------------------------------------------------------------------------------------------


def status(code: int, retry_after: int | str | None = None, body: bytes = b"a scripted answer\n") -> WebFault:
    """Answer with that status; the request is acted upon before."""
    headers = {"content-type": "text/plain"}
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    return WebFault("status %d" % code, change=lambda answer: Answer(code, headers, body))


def changed(change: Callable[[Answer], Answer], name: str = "changed answer") -> WebFault:
    """Send what the function makes of the answer."""
    return WebFault(name, change=change)


def redirect(location: str, code: int = 302) -> WebFault:
    """Send the client elsewhere; a loop is a redirect to the same URL with times=None."""
    return WebFault("redirect to %s" % location, change=lambda answer: Answer(code, {"location": location}))


def no_range() -> WebFault:
    """Answer 200 with everything where a range was asked for."""
    return WebFault("200 for 206", whole=True)


def content_range(shift: int = 1, total: int = 0) -> WebFault:
    """Say that the part begins `shift` bytes later, and that the file has `total` bytes more."""

    def change(answer):
        text = answer.headers.get("content-range", "")
        if not text.startswith("bytes ") or "-" not in text:
            return answer
        first, _, rest = text[len("bytes ") :].partition("-")
        last, _, size = rest.partition("/")
        moved = "bytes %d-%d/%d" % (int(first) + shift, int(last) + shift, int(size) + total)
        return answer.with_headers(content_range=moved)

    return WebFault("wrong Content-Range", change=change)


def etag(value: str | None = None, weak: bool = False) -> WebFault:
    """Send another ETag, the same as a weak one, or none."""

    def change(answer):
        text = "W/" + answer.headers.get("etag", '""') if weak else value
        return answer.with_headers(etag=text)

    return WebFault("weak ETag" if weak else "ETag %s" % value, change=change)


# -- before the answer ------------------------------------------------------------------------------------------------


def do(function: Callable[[], object], name: str = "something happens") -> WebFault:
    """Call the function, then answer: `do(server.forget_sessions)`, `do(lambda: package.replace(data))`."""
    return WebFault(name, act=function)


def delayed(seconds: float) -> WebFault:
    """Answer late."""
    return WebFault("%g s late" % seconds, delay_s=seconds)


def unanswered(end: str = "reset") -> WebFault:
    """End the connection, or say nothing at all ("stall"), without looking at the request."""
    return WebFault("%s, not looked at" % end, unanswered=_checked(end))


def lost(end: str = "reset") -> WebFault:
    """Act upon the request, then end the connection instead of answering."""
    return WebFault("%s, acted upon" % end, lost=_checked(end))


# -- on the wire ------------------------------------------------------------------------------------------------------


def cut(after: int, end: str = "reset") -> WebFault:
    """End the connection after so many bytes of the body; -1: in the middle of the head."""
    return WebFault("%s after %d bytes" % (end, after), cut=after, end=_checked(end))


def stall(after: int) -> WebFault:
    """Send so many bytes of the body, then nothing more."""
    return cut(after, "stall")


def slow(rate: int) -> WebFault:
    """Send so many bytes a second."""
    return WebFault("%d bytes/s" % rate, rate=rate)


def length(by: int) -> WebFault:
    """Announce a body that is longer (or, below 0, shorter) than what is sent."""
    return WebFault("Content-Length %+d" % by, announce=by)


def endless() -> WebFault:
    """Announce no length and never stop."""
    return WebFault("endless body", endless=True)


def twice() -> WebFault:
    """Send the whole answer two times."""
    return WebFault("the answer twice", twice=True)


def _checked(end):
    if end not in ENDS:
        raise ToolError("a connection ends with one of %s, not with %r" % (", ".join(ENDS), end))
    return end
