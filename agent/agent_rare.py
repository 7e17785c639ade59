"""What an agent does now and then: for the board, for its own parts, and when another phase begins. See agent.py."""

from agent.agent import Agent
from agent.job import ARM, TRIAL
from agent.late import later
from agent.phases import BETWEEN, SESSION, enter


class Rare(Agent):
    """The methods of Agent that are wanted rarely."""

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

    def set_clock(self):
        """A certificate was refused for its dates: tell whether the clock will be set, so that another try is worth it."""
        return self._time is not None and self._time.ask_again()

    def note_failure(self, error):
        """Remember what the link said, for whoever diagnoses; the log has the same text once."""
        from agent.facts import link_failed

        if link_failed(self.facts, error):
            self.log("the link failed: %s", error)

    def heard(self):
        """A server that has proven itself was heard: the time by which that was so may be relied on."""
        self.facts.told = None
        if self.wall_time:
            self.wall_time.keep()

    def _open_session(self):
        """A session comes: give up the link; on a small board also what only a download needs."""
        self._probe = self._wish = None
        self._wished = 0
        if self._delivery:
            self._delivery.interrupt()
        if self._source:
            self._source.close()
        self.web.close()
        if self.board.small and self._phase != SESSION:
            self._source = None
            self._enter(SESSION)

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

    # -- parts --------------------------------------------------------------------------------------------------------

    def make_requests(self):
        """Return what knows when a server is to be asked."""
        from agent.requests import Requests

        running, board = self.update.running_manifest(), self.board
        version, digest = (running.version, running.sha256) if running else ("", b"")
        facts = self.journal, version, digest, board.poll_interval_ms
        return Requests(self.clock, self.port.random, *facts, self._kept)

    def make_delivery(self):
        """Return what tells a result."""
        from agent.delivery import Delivery

        return Delivery(self.record, self.board.root, self.port, self.web, self.log, later(self, "told"))

    def told(self):
        """The server knows the result: it need not be asked because of new firmware."""
        self.requests.told()

    def make_probe(self):
        """Return what asks in a trial whether a server can be reached."""
        from agent.probe import Probe

        return Probe(self)

    def open(self, job, offset, capacity):
        """Return a stream of the job's package: the source that the update is given."""
        if not self._source:
            self._source = self.make_source()
        return self._source.open(job, offset, capacity)

    def make_source(self):
        """Return where packages come from."""
        from agent.download import Source

        board = self.board
        source = Source(self.web, self.ui, self.clock, board.accepts, self.log, board.fetchers)
        source.small, source.descriptor = board.small, board.descriptor
        return source
