"""One management session without any I/O: what to send, what to do with what came, when it is over.

The driver's loop: while not `over`: `request()`, send `body()` to its URL; `begin_answer()`, `receive()` until everything
was taken, `end_answer()`, `step()` until it says 0. Where no answer comes: `no_answer()`. Holds no element names. What it
does in each turn stands in a module of its own: dm_sending, dm_receiving, dm_judging, dm_acting.
"""

from agent.compat import const
from agent.errors import ProtocolError
from agent.late import late
from agent.phases import ACTING, JUDGING, OBJECT, READING, SENDING, take_turns

NO_LIMIT = const(0x7FFFFFFF)


class Session:
    """`dm` is what outlives sessions (see dm_client), `opening` the alerts of package 1, the first of them 1200 or 1201."""

    def __init__(self, dm, account, opening, secure=False, session_id=0, resync=False):
        self.set_up(dm, account, opening, secure, session_id, resync)

    def __getattr__(self, name):
        if name in ("make_request", "body", "make_answer"):
            from agent.dm_sending import Sending as Part
        elif name in ("begin_answer", "receive", "end_reading", "open_sink", "on_header"):
            from agent.dm_receiving import Receiving as Part
        elif name in ("begin_commands", "on_alert", "too_large"):
            from agent.dm_acting import Acting as Part
        else:
            from agent.dm_judging import Judging as Part
        return late(Part, self, name)

    def _turn(self, turn):
        """Another turn begins: the code of the one before goes, but not that of an object on its way."""
        if self.dm.small:
            if turn != ACTING:  # else the commands have the tree in their hands
                self.dm.rest()
            take_turns(turn | OBJECT if self.chunks else turn)

    # -- sending ------------------------------------------------------------------------------------------------------

    def request(self):
        """Return what to send next; the same again after `no_answer`. None where the session has ended instead."""
        if self.dm.small:
            self._reader = self._incoming = self._hash = self._window = self.header = None
            if self.chunks and not self.chunks.object:
                self.chunks = None
            self._turn(SENDING)
        return self.make_request()

    def sent(self):
        """Our message is out: what made it can go, and is made again should it have to go out once more."""
        if self.dm.small and self._answer:
            self._answer = self._out = None
            self._turn(READING)

    # -- receiving ----------------------------------------------------------------------------------------------------

    def end_answer(self):
        """The answer is whole; return False where the flash is busy: call again."""
        if self.lost:
            return True
        if not self._reader:
            self.finish()  # an empty answer ends a session
            return True
        try:
            told = self.end_reading()
            if not told:
                return False
            if self.header and self.header.message == self.peer_message:
                self.no_answer()  # an older message once more: ours has not come through
                return True
            if self.dm.small:
                self._incoming = self._reader = self._window = None
                self._turn(JUDGING)
            self.arrived(told[0], told[1], self._mac, self._hash.digest() if self._hash else None)
            if self.acts_from >= 0:
                self._turn(ACTING)
                self.begin_commands()
        except ProtocolError as e:
            self.malformed(e)
        return True

    # -- acting -------------------------------------------------------------------------------------------------------

    def step(self):
        """Execute one command; return 0 when the next message can go out or the session is over, else ms to wait."""
        if self.over or not self.commands:
            return 0
        try:
            if self.commands.step():
                return self.dm.ui.pause_ms if self.waiting else 1
            self.commands = None
            self._turn(JUDGING)
            self.conclude()
        except ProtocolError as e:
            self.malformed(e)
        return 0
