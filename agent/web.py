"""HTTP requests over one connection at a time, never blocking; exchange.py is one of them, with its times.

`Web.open` gives an `Exchange`; `poll` it until the head of the answer is here, `read_into` until the body is complete, then
`close` it. The connection is kept for the next request to the same origin. Where a kept one turns out to be dead before
anything was answered, the request goes out once more, provided that its body can be had again.
"""

from agent.compat import const
from agent.late import late
from agent.window import Window

WINDOW = const(1152)  # bytes: the longest field that is kept (see http.py), its name, its line end


class Web:
    """`net`: a Network, `random(below)` gives a number. The times are attributes so that a board can have others."""

    name_ms = 3000  # that one name server gets
    connect_ms = 30000  # for TCP and TLS
    send_ms = 60000  # for a whole request
    head_ms = 60000  # from then to the end of the answer's head
    silence_ms = 60000  # in the body
    idle_ms = 30000  # a kept connection that is older is not trusted

    def __init__(self, net, clock, random, log=None):
        self.net, self.clock, self.random, self._log = net, clock, random, log
        self.window = Window(WINDOW)
        self.exchange = self._idle = self._origin = None
        self._since = 0

    def __getattr__(self, name):  # open, take
        from agent.http_request import Opening

        return late(Opening, self, name)

    def close(self):
        """Let go of everything."""
        if self.exchange:
            self.exchange.close()
        self._drop()

    def keep(self, origin, stream, since):
        """Take back a connection that can be used again and has been silent since then."""
        self._idle, self._origin, self._since = stream, origin, since

    def log(self, text, *arguments):
        """Say something to whoever listens."""
        if self._log:
            self._log(text, *arguments)

    def _drop(self):
        if self._idle:
            self._idle.close()
            self._idle = None
