"""The whole agent: one loop calls `step`, which does one bounded thing and says when it wants to run again.

Decides whose turn it is: the update, a management session, a question to a server. One connection at a time; no session
between the moment a trial is armed and its end; an order is begun after the session that gave it. Is handed the board's
hardware, the port (clock, net, random, random_bytes, cause, version, reboot, log), the identity and the board's constants.
"""

from agent.compat import const
from agent.facts import Facts
from agent.job import ARM, IDLE, TRIAL
from agent.journal import Journal
from agent.management import Management
from agent.meetings import Meetings
from agent.phases import BETWEEN, SESSION, START, UPDATE, enter
from agent.record import Record
from agent.sizes import largest
from agent.update import Update
from agent.web import Web

_HEALTHY_MS = const(60000)
_PROBE_MS = const(30000)  # between two tries to reach a server in a trial


class Agent:
    """`start`, then `step` for ever; the other public methods are for the board."""

    def __init__(self, hardware, port, identity, board):
        self.hardware, self.port, self.identity, self.board = hardware, port, identity, board
        self.log, self.ui, self.clock = port.log, board.ui, port.clock
        self.journal = Journal(hardware.journal)
        self.record = Record(self.journal)
        self.web = Web(port.net, port.clock, port.random, port.log)
        self.management = Management(self, self.journal)
        self.record.settle = self.management.nonces.settle
        self._probe = self._source = self._meetings = self._delivery = None
        self._requests = self._kept = self.wall_time = self._time = None
        self._ask_ms = self._asked_at = 0
        self._phase = START
        self._wrong_keys = 0  # that bootstrap messages were made with
        self._probed = self._healthy = False
        self._leave = None
        policy = {"server_reached": self._is_reached if board.needs_server else None}
        policy["min_ms"], policy["max_ms"] = board.trial_min_ms, board.trial_max_ms
        self.update = Update(hardware, self.record, identity, port, self, self._deliver, policy)
        board_facts = board.agent_version, board.name, board.poll_interval_ms, port.cause
        self.facts = Facts(*board_facts, port.clock, self.journal, self.update.running_manifest)
        self._started = self._probe_at = port.clock.ms()

    def start(self):
        """Take up what a reset interrupted; once, before the first step."""
        self.update.resume()
        server = self.board.time_server
        if server or self.clock.unix() is not None:  # else nobody ever says what time it is
            from agent.time_keeper import TimeKeeper
            from agent.wall_time import WallTime

            running = self.update.running_manifest()
            self.wall_time = WallTime(self.clock, running.built if running else 0, self.journal)
            self._time = TimeKeeper(self.port, self.wall_time, server, self.log)
        self.asks()
        self._meetings = Meetings(self)

    def step(self):
        """Do one bounded thing; return the milliseconds until the next one is wanted."""
        if self._leave:
            self.record.planned_reset()
            self._leave()
        meetings = self._meetings
        if self.board.small:
            phase = SESSION if meetings.active else UPDATE
            if phase != self._phase:
                self._enter(phase)
        if not (self.board.small and meetings.active):  # a datagram can wait, the memory for its code cannot be had
            meetings.listen()
        self._watch_health()
        return min(self._turn(), self.board.nap_ms)

    def _turn(self):
        meetings, phase = self._meetings, self.record.job.phase
        if meetings.active:
            return meetings.step()
        if self._time and self._time.wanted():
            return self._time.step()
        if phase == TRIAL and self._wants_probe():
            return min(self._probe.step(), self.update.step())  # the trial's time runs on meanwhile
        if phase not in (ARM, TRIAL) and meetings.wanted():
            if not self.update.pause():
                return self.update.step()
            self._open_session()
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

    def request_update(self):
        """A user wants the server to look for an update; return False where that must wait."""
        return self.requests.by_user(not self.record.open)

    def bootstrap(self, content_type, body, button=False):
        """Take a bootstrap message, however it was pushed; return its status. After 200 the new server is turned to."""
        if self.in_session:
            return 403
        from agent.bootstrap import accept

        client = self.management.client()
        client.accounts = self.management.accounts
        code, names = accept(client, content_type, body, self.board.bootstrap_key, self._wrong_keys, button)
        self._wrong_keys += code == 401
        self.management.drop()
        for name in names:
            self._meetings.call(name)
        return code

    def clean_up(self):
        """The board needs the spare bank for something else: no package is held any more. False while the bank is in use."""
        free = self.record.open and not self.in_session  # a package may be pushed
        if free:
            self.record.clean_up()
        return free

    def factory_reset(self):
        """The owner resets the device: the order and its result are void. Returns False during a trial."""
        if self.record.job.phase in (ARM, TRIAL):
            return False
        self.update.rest()
        if self._source:
            self._source.close()
        self.record.drop()
        if self._delivery:
            self._delivery.reset()
        return True

    def leave(self, reset):
        """Call `reset` before the next step: whoever wanted that has his answer first."""
        self._leave = reset

    # -- parts that a small board has only while they have something to do --------------------------------------------

    @property
    def requests(self):
        """Return what knows when a server is to be asked."""
        if not self._requests:
            from agent.requests import Requests

            running, board = self.update.running_manifest(), self.board
            version, digest = (running.version, running.sha256) if running else ("", b"")
            facts = self.journal, version, digest, board.poll_interval_ms
            self._requests = Requests(self.clock, self.port.random, *facts, self._kept)
        return self._requests

    def asks(self):
        """Return the kind of the request that is due, else None."""
        if not self._requests and self._ask_ms and self.clock.since(self._asked_at) < self._ask_ms:
            return None
        return self.requests.due()

    @property
    def delivery(self):
        """Return what tells a result."""
        if not self._delivery:
            from agent.delivery import Delivery

            self._delivery = Delivery(self.record, self.board.root, self.port, self.web, self.log, self._told)
        return self._delivery

    @property
    def reports(self):
        """Tell whether a session is wanted for a result."""
        return self._delivery is not None and self._delivery.due

    def _deliver(self, record):
        return self.delivery.step(record)

    def _enter(self, phase):
        """Another phase begins: its code takes the place of what is not needed in it."""
        self._phase = phase
        self._meetings.rest()
        self.update.rest()
        if self._requests:
            self._ask_ms, self._asked_at = self._requests.next_ms(), self.clock.ms()
            self._kept, self._requests = self._requests.keep(), None
        if not self.record.outbox.code:
            self._delivery = None
        enter(phase | BETWEEN)

    # -- for the parts ------------------------------------------------------------------------------------------------

    def open(self, job, offset, capacity):
        """Return a stream of the job's package: the source that the update is given."""
        if not self._source:
            from agent.download import Source

            board = self.board
            self._source = Source(self.web, self.ui, self.clock, board.accepts, self.log, board.fetchers)
            self._source.small = board.small
        return self._source.open(job, offset, capacity)

    def set_clock(self):
        """A certificate was refused for its dates: tell whether the clock will be set, so that another try is worth it."""
        return self._time is not None and self._time.ask_again()

    def note_failure(self, error):
        """Remember what the link said, for whoever diagnoses."""
        self.facts.link_failed(error)
        self.log("the link failed: %s", error)

    def heard(self):
        """A server that has proven itself was heard: the time by which that was so may be relied on."""
        if self.wall_time:
            self.wall_time.keep()

    def now(self):
        """Return the time as properties carry it, "" where it is not known."""
        if not self.wall_time or not self.wall_time.known:
            return ""
        from agent.dm_time import stamp

        return stamp(self.wall_time.unix())

    def firmware_version(self):
        """Return the version in the running bank's manifest."""
        running = self.update.running_manifest()
        return running.version if running else ""

    def capacity(self):
        """Return the size of the largest package that is taken."""
        return largest(self.hardware.banks[1 - self.hardware.boot.confirmed()].image.size)

    def make_push(self):
        """Return what takes a package that the server sends itself."""
        from agent.push import Push

        return Push(self.hardware, self.record, self.identity, self.update.demands())

    def details(self):
        """Return the leaves below Ext."""
        from agent.mo_fumo_ext import details

        return details(self.hardware, self.record, self.facts)

    def held_manifest(self, bank):
        """Return the manifest of the package that a bank holds."""
        from agent.verify import read_manifest

        return read_manifest(self.hardware.banks[bank], self.identity)

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _open_session(self):
        """A session comes: give up the link; on a small board also what only a download needs."""
        self._probe = None
        if self._delivery:
            self._delivery.interrupt()
        if self._source:
            self._source.close()
        self.web.close()
        if self.board.small and self._phase != SESSION:
            self._source = None
            self._enter(SESSION)
        self._meetings.open()

    def _wants_probe(self):
        if not self.board.needs_server or self._probed:
            return False
        if self._probe and self._probe.over:
            self._probed, self._probe = self._probe.reached, None
            self._probe_at = self.clock.ms()
        elif not self._probe and (self._probe_at == self._started or self.clock.since(self._probe_at) > _PROBE_MS):
            account = self.management.first_account()
            if account:
                from agent.probe import Probe

                self._probe = Probe(self, account)
        return self._probe is not None

    def _told(self):
        """The server knows the result: it need not be asked because of new firmware."""
        self.requests.told()

    def _is_reached(self):
        return self._probed

    def _watch_health(self):
        self.facts.uptime_s()  # a count that has to be asked for now and then
        if not self._healthy and self.clock.since(self._started) > _HEALTHY_MS:
            self._healthy = True
            self.hardware.crash_counter.set(0)
