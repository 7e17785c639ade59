"""Asks a time server where the board does not know the time, or where a certificate was refused for nothing but its dates."""

from agent.compat import const
from agent.errors import LinkError

_POLL_MS = const(20)
_AGAIN_MS = const(3600000)  # after a server that did not answer


class TimeKeeper:
    """`server` is (numeric address, port) or None; a port that can be told the time has `set_unix(seconds)`."""

    def __init__(self, port, wall_time, server, log):
        self._port, self._wall_time, self._server, self._log = port, wall_time, server, log
        self._query = None
        self._failed_at = -1
        self._wished = False
        self._asked = False  # for certificates, which is done once

    def wanted(self):
        """Tell whether the time should be asked for before anything else uses the link."""
        if not self._server:
            return False
        if self._query or self._wished:
            return True
        if self._failed_at >= 0 and self._port.clock.since(self._failed_at) < _AGAIN_MS:
            return False
        return not self._wall_time.known

    def ask_again(self):
        """A certificate was refused for its dates: tell whether the time will be asked for, and another try is worth it."""
        if not self._server or self._asked:
            return False
        self._asked = self._wished = True
        return True

    def step(self):
        """Do one thing; return the milliseconds until the next one is wanted."""
        if not self._query:
            from agent.sntp import Query

            address, number = self._server
            self._query = Query(self._port.net, address, self._port.clock, self._port.random, number)
        try:
            seconds = self._query.step()
        except LinkError as e:
            self._log("nobody tells the time: %s", e)
            self._failed_at = self._port.clock.ms()
            self._end()
            return 0
        if seconds is None:
            return _POLL_MS
        if self._wall_time.set_by_network(seconds) and hasattr(self._port, "set_unix"):
            self._port.set_unix(seconds)
        self._end()
        return 0

    def _end(self):
        self._query.close()
        self._query = None
        self._wished = False
