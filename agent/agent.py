"""The whole agent: one loop calls `step`, which does one bounded thing and says when it wants to run again.

Decides whose turn it is: the update, a management session, a question to a server. One connection at a time; no session
between the moment a trial is armed and its end; an order is begun after the session that gave it. Is handed the board's
hardware, the port (clock, net, random, random_bytes, cause, version, reboot, log), the identity and the board's constants.
"""

from agent.compat import const, loaded
from agent.job import ARM, IDLE, TRIAL
from agent.late import late
from agent.phases import SESSION, UPDATE, tidy

_HEALTHY_MS = const(60000)


class Agent:
    """`start`, then `step` for ever; the other public methods are for the board."""

    def __init__(self, hardware, port, identity, board):
        self.set_up(hardware, port, identity, board)

    def __getattr__(self, name):
        if name in ("set_up", "start"):
            from agent.agent_start import Start as Part
        else:  # what a board, a server's order or another phase wants now and then
            from agent.agent_rare import Rare as Part
        return late(Part, self, name)

    def step(self):
        """Do one bounded thing; return the milliseconds until the next one is wanted."""
        if self._leave:
            self.record.planned_reset()
            self._leave()
        if self._wish:
            self._wished, self._wish = self._wish(), None
        meetings = self._meetings
        if self.board.small:
            phase = SESSION if meetings.active else UPDATE
            if phase != self._phase:
                self._enter(phase)
        if not (self.board.small and meetings.active):  # a datagram can wait, the memory for its code cannot be had
            meetings.listen()
        self._watch_health()
        wait_ms = min(self._turn(), self.board.nap_ms)
        if self.board.small and loaded() != self._loaded:
            tidy()
            self._loaded = loaded()
        return wait_ms

    def _turn(self):
        meetings, phase = self._meetings, self.record.job.phase
        if meetings.active:
            return meetings.step()
        if self._time and self._time.wanted():
            return self._time.step()
        if phase == TRIAL and self.board.needs_server and not self.is_reached():
            return min(self.probe.step(), self.update.step())  # the trial's time runs on meanwhile
        if phase not in (ARM, TRIAL) and meetings.wanted():
            if not self.update.pause():
                return self.update.step()
            self._open_session()
            meetings.open()
            return 0
        if phase == IDLE:
            self.web.close()  # the connection that was kept is of no use any more
        return self.update.step()

    @property
    def in_session(self):
        """Tell whether a management session is open."""
        return self._meetings.active

    @property
    def quiet(self):
        """Tell whether nothing is under way: only the timer, a user or a notification can change that."""
        return self.record.idle and self._meetings.quiet and not self._leave

    # -- for the board ------------------------------------------------------------------------------------------------

    def leave(self, reset):
        """Call `reset` before the next step: whoever wanted that has his answer first."""
        self._leave = reset

    # -- parts that a small board has only while they have something to do --------------------------------------------

    @property
    def requests(self):
        """Return what knows when a server is to be asked."""
        if not self._requests:
            self._requests = self.make_requests()
        return self._requests

    def asks(self):
        """Return the kind of the request that is due, else None."""
        if not self._requests and self._ask_ms and self.clock.since(self._asked_at) < self._ask_ms:
            return None
        return self.requests.due()

    @property
    def probe(self):
        """Return what asks in a trial whether a server can be reached."""
        if not self._probe:
            self._probe = self.make_probe()
        return self._probe

    @property
    def delivery(self):
        """Return what tells a result."""
        if not self._delivery:
            self._delivery = self.make_delivery()
        return self._delivery

    @property
    def reports(self):
        """Tell whether a session is wanted for a result."""
        return self._delivery is not None and self._delivery.due

    def _deliver(self, record):
        return self.delivery.step(record)

    # -- for the parts ------------------------------------------------------------------------------------------------

    def shallow(self, function):
        """Call it at the next step, where the stack is not deep; return 0 until that is done, then what it has said."""
        told, self._wished = self._wished, 0
        if not told:
            self._wish = function
        return told

    def is_reached(self):
        """Tell whether a server was reached in the trial that goes on."""
        return self._probe is not None and self._probe.reached

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _watch_health(self):
        self.facts.uptime_s()  # a count that has to be asked for now and then
        if not self._healthy and self.clock.since(self._started) > _HEALTHY_MS:
            self._healthy = True
            self.hardware.crash_counter.set(0)
