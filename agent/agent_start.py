"""What an agent does once: its parts are made, and what a reset has interrupted is taken up. See agent.py."""

from agent.agent import Agent
from agent.facts import make_facts
from agent.journal import Journal
from agent.late import later
from agent.management import Management
from agent.meetings import Meetings
from agent.phases import START, tidy
from agent.record import Record
from agent.update import Update
from agent.web import Web


class Start(Agent):
    """The methods of Agent that it begins with."""

    def set_up(self, hardware, port, identity, board):
        """Make the parts."""
        self.hardware, self.port, self.identity, self.board = hardware, port, identity, board
        self.log, self.ui, self.clock = port.log, board.ui, port.clock
        rest = tidy if board.small else _nothing  # what each part needs to begin with goes before the next one comes
        rest()
        self.journal = Journal(hardware.journal)
        self.record = Record(self.journal)
        rest()
        self.web = Web(port.net, port.clock, port.random, port.log)
        self.management = Management(self, self.journal)
        rest()
        self.record.settle = later(self.management.nonces, "settle")
        self._probe = self._source = self._meetings = self._delivery = None
        self._requests = self._kept = self.wall_time = self._time = None
        self._ask_ms = self._asked_at = 0
        self._phase = START
        self._wrong_keys = 0  # that bootstrap messages were made with
        self._healthy = False
        self._leave = None
        self._wish, self._wished = None, 0
        self._loaded = 0  # modules, after the step before
        policy = {"server_reached": self.is_reached if board.needs_server else None}
        policy["min_ms"], policy["max_ms"] = board.trial_min_ms, board.trial_max_ms
        self.update = Update(hardware, self.record, identity, port, self, self._deliver, policy)
        if board.small:
            self.update.shallow = self.shallow
        board_facts = board.agent_version, board.name, board.poll_interval_ms, port.cause
        self.facts = make_facts(*board_facts, port.clock, self.journal, self.update.running_manifest)
        self._started = port.clock.ms()

    def start(self):
        """Take up what a reset interrupted; once, before the first step."""
        rest = tidy if self.board.small else _nothing
        self.update.resume()
        rest()
        server = self.board.time_server
        if server or self.clock.unix() is not None:  # else nobody ever says what time it is
            from agent.time_keeper import TimeKeeper
            from agent.wall_time import WallTime

            running = self.update.running_manifest()
            self.wall_time = WallTime(self.clock, running.built if running else 0, self.journal)
            self._time = TimeKeeper(self.port, self.wall_time, server, self.log)
        rest()
        self.asks()
        self._meetings = Meetings(self)


def _nothing():
    """Leave all in memory."""
