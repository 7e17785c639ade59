"""One update from the order to the delivered result: the phases of lifecycle.py, each a method that does one bounded step.

Is given the hardware of a board, the journal's record, a port's facts (clock, random, cause, version, reboot), a `source`
whose `open(job, offset, capacity)` gives a stream of the package, and `deliver(record)`, which does a step of telling the
result and returns the milliseconds until the next one; once all is told it has ended the record.
"""

import binascii

from agent import orders
from agent.backoff import Backoff
from agent.compat import const
from agent.job import (
    ACCEPTED,
    ARM,
    DOWNLOAD,
    DOWNLOAD_ONLY,
    IDLE,
    NO_BANK,
    READY,
    REPORT,
    STATE_DOWNLOADED,
    TRIAL,
)
from agent.lifecycle import HELD, OK, SAME
from agent.record import SUCCESS

_LOADED = const(900)  # what a download server is told of a success
_RESUMES = const(8)  # of a download, without a new block
_IDLE_MS = const(60000)
_TEST_MS = const(1000)


class Update:
    """The device's one update; `step` until the record is idle."""

    def __init__(self, hardware, record, identity, port, source, deliver, trial_policy):
        self._hardware = hardware
        self._boot = hardware.boot
        self.record = record
        self._identity = identity
        self._port = port
        self._source = source
        self._deliver = deliver
        self._trial_policy = trial_policy
        self._fetch = self._trial = self._running = None
        self._backoff = Backoff(port.random, _RESUMES)  # of the download, whose Fetch may be gone for a while
        self._began = port.clock.ms()
        self._wait_ms = self._waiting_since = 0
        self._steps = {
            IDLE: self._idle,
            ACCEPTED: self._accepted,
            DOWNLOAD: self._download,
            READY: self._ready,
            ARM: self._arm,
            TRIAL: self._try,
            REPORT: self._tell,
        }

    @property
    def state(self):
        """Return FUMO's State."""
        if self._fetch and self._fetch.verifying:
            return STATE_DOWNLOADED
        return self.record.job.state

    def resume(self):
        """Take up what a reset interrupted; called once, before the first step."""
        from agent.resume import resume

        if self._was_flashed():
            self.record.drop()
        resume(self.record, self._boot, self._port.cause, self._runs)

    def accept(self, order):
        """Take an order, in the place of the one before where that is allowed; return the status for the server."""
        before = self.record.job
        order.base = self._base()
        status = orders.accept(self.record, self._boot, order)
        if self.record.job is not before:
            self.rest()
            self._backoff.reset()
            self._began = self._port.clock.ms()
            self._wait_ms = 0
        return status

    def rest(self):
        """Give up the link and the memory of a download; it goes on at the noted block."""
        if self._fetch:
            self._fetch.let_go()
            self._fetch = None

    def pause(self):
        """Let go of the link at the end of the block that comes; tell whether it is free. `step` goes on by itself."""
        return self._fetch is None or self._fetch.pause()

    def step(self):
        """Do one bounded thing; return the milliseconds until the next one is wanted."""
        waited_ms = self._port.clock.since(self._waiting_since)
        if waited_ms < self._wait_ms:
            return self._wait_ms - waited_ms
        self._wait_ms = 0
        return self._steps[self.record.job.phase]()

    # -- phases -------------------------------------------------------------------------------------------------------

    def _idle(self):
        return _IDLE_MS

    def _accepted(self):
        bank = self.record.package.bank
        if bank == NO_BANK:
            self.record.finish(orders.NOTHING_STATUS)
        elif bank == self._boot.confirmed():
            self.record.finish(SUCCESS, SAME)
        else:
            self._arm_first()
        return 0

    def _download(self):
        if not self._fetch:
            from agent.fetch import Fetch

            parts = self._hardware, self.record, self._identity, self._port, self._source, self.running_manifest
            self._fetch = Fetch(*parts, self._backoff, self._began)
        wait_ms = self._wait(self._fetch.step())
        if self.record.job.phase != DOWNLOAD:
            self._fetch = None
        return wait_ms

    def _ready(self):
        if self.record.job.kind == DOWNLOAD_ONLY:
            self.record.finish(SUCCESS, HELD, _LOADED)
        else:
            self._arm_first()
        return 0

    def _arm_first(self):
        self.record.job.arms = 1
        self.record.go(OK)

    def _arm(self):
        self._boot.set_trial(self.record.package.bank, self.record.job.attempt())
        self.record.planned_reset()
        self._port.reboot()
        return 0

    def _try(self):
        from agent.trial import FAILED, PASSED, Trial, version_test

        if not self._trial:
            tests = [version_test(self._port.version, self.running_manifest())]
            tests.extend(self._hardware.self_tests)
            self._trial = Trial(self._port.clock, tests, **self._trial_policy)
        told = self._trial.step()
        if told == PASSED:
            self._confirm()
        elif told == FAILED:
            self._port.reboot()
        return _TEST_MS

    def _confirm(self):
        record = self.record
        self._boot.confirm()
        record.job.digest = record.package.digest
        record.package.bank = NO_BANK
        record.finish(SUCCESS, OK, _LOADED)

    def _tell(self):
        return self._wait(self._deliver(self.record))

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _wait(self, wait_ms):
        self._wait_ms, self._waiting_since = wait_ms, self._port.clock.ms()
        return wait_ms

    def running_manifest(self):
        """Return the manifest of the running bank, None where it has none."""
        if not self._running:
            from agent.verify import read_manifest

            self._running = read_manifest(self._hardware.banks[self._boot.running()], self._identity)
        return self._running

    def _base(self):
        running = self.running_manifest()
        return str(binascii.hexlify(running.sha256[:8]), "ascii") if running else ""

    def _was_flashed(self):
        """Tell whether the board's owner put another firmware there than an update could: the order is void then."""
        boot, job = self._boot, self.record.job
        if self.record.idle or not job.base or boot.running() != boot.confirmed() or boot.fell_back():
            return False
        base = self._base()
        return bool(base) and base != job.base and not self._runs(job.digest)

    def _runs(self, digest):
        running = self.running_manifest()
        return running is not None and running.sha256 == digest
