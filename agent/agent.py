"""The whole agent: one loop calls `step`, which does one bounded thing and says when it wants to run again.

Decides whose turn it is: the update, a management session, a question to a server. One connection at a time; no session
between the moment a trial is armed and its end; an order is begun after the session that gave it. Is handed the board's
hardware, the port (clock, net, random, random_bytes, cause, version, reboot, log), the identity and the board's constants.
"""

from agent.compat import const, unload
from agent.delivery import Delivery
from agent.facts import Facts
from agent.job import ARM, TRIAL
from agent.journal import Journal
from agent.management import Management
from agent.notification import Notifications
from agent.record import Record
from agent.requests import Requests
from agent.sizes import largest
from agent.time_keeper import TimeKeeper
from agent.update import Update
from agent.wall_time import WallTime
from agent.web import Web

_HEALTHY_MS = const(60000)
_LISTEN_MS = const(500)
_OF_A_DOWNLOAD = const(
    "fetch installer package bank_writer bank_header delta inflate verify manifest signature p256 der download descriptor "
    "ranges offer causes install_notify dns resume trial probe sntp"
)
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
        self.delivery = Delivery(self.record, board.root, port, self.web, self.log, self._told)
        self._probe = self._source = self._meetings = None
        self._probed = self._healthy = False
        policy = {"server_reached": self._is_reached if board.needs_server else None}
        policy["min_ms"], policy["max_ms"] = board.trial_min_ms, board.trial_max_ms
        self.update = Update(hardware, self.record, identity, port, self, self.delivery.step, policy)
        board_facts = board.agent_version, board.name, board.poll_interval_ms, port.cause
        self.facts = Facts(*board_facts, port.clock, self.journal, self.update.running_manifest)
        self._started = self._probe_at = port.clock.ms()

    def start(self):
        """Take up what a reset interrupted; once, before the first step."""
        self.update.resume()
        running = self.update.running_manifest()
        version, digest = (running.version, running.sha256) if running else ("", b"")
        clock, random = self.clock, self.port.random
        self.wall_time = WallTime(clock, running.built if running else 0, self.journal)
        self.requests = Requests(clock, random, self.journal, version, digest, self.board.poll_interval_ms)
        self._time = TimeKeeper(self.port, self.wall_time, self.board.time_server, self.log)
        management = self.management
        from agent.meetings import Meetings

        notifications = Notifications(management.accounts, management.nonces, clock, self.log)
        self._meetings = Meetings(self, notifications)

    def step(self):
        """Do one bounded thing; return the milliseconds until the next one is wanted."""
        self._meetings.listen()
        self._watch_health()
        return min(self._turn(), _LISTEN_MS)

    def _turn(self):
        meetings, phase = self._meetings, self.record.job.phase
        if meetings.active:
            return meetings.step()
        if self._time.wanted():
            return self._time.step()
        if phase == TRIAL and self._wants_probe():
            return self._probe.step()
        if phase not in (ARM, TRIAL) and meetings.wanted():
            if not self.update.pause():
                return self.update.step()
            self._make_room()
            meetings.open()
            return 0
        return self.update.step()

    @property
    def in_session(self):
        """Tell whether a management session is open."""
        return self._meetings.active

    @property
    def quiet(self):
        """Tell whether nothing is under way: only the timer, a user or a notification can change that."""
        return self.record.idle and self._meetings.quiet

    # -- for the board ------------------------------------------------------------------------------------------------

    def request_update(self):
        """A user wants the server to look for an update; return False where that must wait."""
        return self.requests.by_user(not self.record.open)

    def clean_up(self):
        """The board needs the spare bank for something else: no package is held any more."""
        if self.record.open:
            self.record.clean_up()

    def factory_reset(self):
        """The owner resets the device: the order and its result are void. Returns False during a trial."""
        if self.record.job.phase in (ARM, TRIAL):
            return False
        self.update.pause()
        self.record.drop()
        self.delivery.reset()
        return True

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
        return self._time.ask_again()

    def note_failure(self, error):
        """Remember what the link said, for whoever diagnoses."""
        self.facts.link_failed(error)
        self.log("the link failed: %s", error)

    def heard(self):
        """A server that has proven itself was heard: the time by which that was so may be relied on."""
        self.wall_time.keep()

    def now(self):
        """Return the time as properties carry it, "" where it is not known."""
        from agent.dm_time import stamp

        return stamp(self.wall_time.unix()) if self.wall_time.known else ""

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

        return Push(self.hardware, self.record, self.identity, self.update.running_manifest())

    def details(self):
        """Return the leaves below Ext."""
        from agent.mo_fumo_ext import details

        return details(self.hardware, self.record, self.facts)

    def held_manifest(self, bank):
        """Return the manifest of the package that a bank holds."""
        from agent.verify import read_manifest

        return read_manifest(self.hardware.banks[bank], self.identity)

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _make_room(self):
        """A session comes: give up what only a download needs."""
        self._probe = None
        self.delivery.interrupt()
        if self._source:
            self._source.close()
        self.web.close()
        if self.board.small:
            self._source = None
            self.update.rest()
            unload(_OF_A_DOWNLOAD.split())

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
        if not self._healthy and self.clock.since(self._started) > _HEALTHY_MS:
            self._healthy = True
            self.hardware.crash_counter.set(0)
