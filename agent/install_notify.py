"""Tells a download server what became of its package: one POST to the address in its descriptor.

How often that is tried is the caller's; an answer of any 2xx will do, and what it says is of no interest.
"""

from agent import url as urls
from agent.compat import const
from agent.errors import AgentError

_MOST_MS = const(120000)
_REDIRECTS = const(5)
_ABORTED = const(952)
_TEXTS = (
    (900, "Success"),
    (901, "Insufficient memory"),
    (902, "User Cancelled"),
    (903, "Loss of Service"),
    (905, "Attribute mismatch"),
    (906, "Invalid descriptor"),
    (951, "Invalid DDVersion"),
    (952, "Device Aborted"),
    (953, "Non-Acceptable Content"),
    (954, "Loader Error"),
)


class InstallNotify:
    """`post`, then `step` until it says what became of it."""

    def __init__(self, web, clock):
        self._web, self._clock = web, clock
        self._exchange = None
        self._url = ""

    def post(self, url, code):
        """Begin to tell `code` to `url`."""
        self.close()
        self._body = status_line(code).encode()
        self._url, self._hops, self._began_ms = url, 0, self._clock.ms()

    def step(self):
        """Return None while it goes on, True once it was taken, False where that failed."""
        told = False
        try:
            if self._url and self._clock.since(self._began_ms) < _MOST_MS:
                told = self._go_on()
        except AgentError:
            pass
        if told is not None:
            self.close()
        return told

    def close(self):
        """Give up what is under way."""
        self._url = ""
        if self._exchange:
            self._exchange.close()
            self._exchange = None

    def _go_on(self):
        exchange = self._exchange
        if not exchange:
            fields = (("Content-Type", "text/plain"),)
            self._exchange = self._web.open("POST", self._url, fields, self._pieces, len(self._body))
        elif exchange.poll():
            if exchange.status not in (307, 308):
                return 200 <= exchange.status < 300
            return self._redirect(exchange.field("location") or "")
        return None

    def _pieces(self):
        return (self._body,)

    def _redirect(self, location):
        self._hops += 1
        target = urls.follow(self._url, location)
        self._exchange.close()
        self._exchange = None
        if self._hops > _REDIRECTS or not target:
            return False
        self._url = target
        return None


def status_line(code):
    """Return the body of the POST; a code that the table has not is the device's fault."""
    for known, text in _TEXTS:
        if known == code:
            return "%d %s" % (code, text)
    return status_line(_ABORTED)
