"""What a conversation does where the link or the server does not do what it should. See conversation.py."""

from agent.compat import const
from agent.conversation import Conversation
from agent.errors import LinkError, ProtocolError
from agent.late import later

_AGAIN_MS = const(2000)  # before the same message goes out once more; longer each time
_REDIRECTS = const(5)


class Faults(Conversation):
    """What a Conversation does then."""

    def not_taken(self):
        """The answer is no success: go where it sends us, if we may."""
        status = self._exchange.status
        if status not in (307, 308) or self._redirects >= _REDIRECTS:
            raise LinkError("the management server answers with HTTP status %d" % status, 0, 0, 400 <= status < 408)
        from agent.url import follow

        self._redirects += 1
        self._url = follow(self._url, self._exchange.field("location") or "")
        if not self._url:
            raise LinkError("the management server redirects to where we do not go", 411, 954, True)
        self._exchange.close()
        return self.open()

    def waited(self):
        """The body of the answer does not come."""
        raise LinkError("the management server sends next to nothing", 407)

    def not_decided(self):
        """What the server has ordered does not end."""
        self.session.give_up(ProtocolError("nobody answers the server's question", 408))

    def failed(self, error):
        """The link is broken: begin anew, after a while."""
        self.error = error
        self.close()
        self._web.close()
        if error.final:
            self.session.give_up(error)
            return 0
        self.session.no_answer()
        self._failures += 1
        self._since, self._next = self._web.clock.ms(), later(self, "pause")
        return 0

    def pause(self):
        """Whoever calls may come too early: the next try waits."""
        left_ms = _AGAIN_MS * self._failures - self._web.clock.since(self._since)
        if left_ms > 0:
            return left_ms
        self._next = self.ask
        return 0
