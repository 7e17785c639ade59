"""The phases of lifecycle.py, each a method that does one bounded step; which of them it is, the record knows."""

from agent.compat import const
from agent.job import (
    ACCEPTED,
    ARM,
    DOWNLOAD,
    DOWNLOAD_ONLY,
    HELD,
    IDLE,
    LOCAL,
    NO_BANK,
    OK,
    READY,
    REPORT,
    SAME,
    TRIAL,
)
from agent.record import SUCCESS

_LOADED = const(900)  # what a download server is told of a success
_NOTHING = const(405)  # what a server is told of an Update where no package is held
_IDLE_MS = const(60000)
_TEST_MS = const(1000)


class Work:
    """`owner` is the Update."""

    def __init__(self, owner):
        self._owner, self._record = owner, owner.record
        self._trial = None
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
    def busy(self):
        """Tell whether it knows what a new one would not."""
        return self._trial is not None

    def step(self):
        """Do one thing; return the milliseconds until the next one is wanted."""
        return self._steps[self._record.job.phase]()

    def _idle(self):
        return _IDLE_MS

    def _accepted(self):
        bank = self._record.package.bank
        if bank == NO_BANK:
            self._record.finish(_NOTHING)
        elif bank == self._owner.hardware.boot.confirmed():
            self._record.finish(SUCCESS, SAME)
        else:
            self._arm_first()
        return 0

    def _download(self):
        owner = self._owner
        if not owner.fetch:
            from agent.fetch import Fetch

            parts = owner.hardware, self._record, owner.identity, owner.port, owner.source, owner.demands
            owner.fetch = Fetch(*parts, owner.backoff, owner.began)
        wait_ms = owner.wait(owner.fetch.step())
        if self._record.job.phase != DOWNLOAD:
            owner.fetch = None
        return wait_ms

    def _ready(self):
        if self._record.job.kind == DOWNLOAD_ONLY:
            self._record.finish(SUCCESS, HELD, _LOADED)
        else:
            self._arm_first()
        return 0

    def _arm_first(self):
        self._record.job.arms = 1
        self._record.go(OK)

    def _arm(self):
        self._owner.hardware.boot.set_trial(self._record.package.bank, self._record.job.attempt())
        self._record.planned_reset()
        self._owner.port.reboot()
        return 0

    @property
    def trial(self):
        """Return the trial that goes on."""
        if not self._trial:
            from agent.trial import Trial, version_test

            owner = self._owner
            tests = [version_test(owner.port.version, owner.running_manifest())]
            tests.extend(owner.hardware.self_tests)
            self._trial = Trial(owner.port.clock, tests, **owner.trial_policy)
        return self._trial

    def _try(self):
        from agent.trial import FAILED, PASSED

        told = self.trial.step()
        if told == PASSED:
            self.confirm()
        elif told == FAILED:
            self._owner.port.reboot()
        return _TEST_MS

    def confirm(self):
        """End the trial: the firmware that runs is kept."""
        record = self._record
        self._owner.hardware.boot.confirm()
        record.job.digest = record.package.digest
        record.package.bank = NO_BANK
        record.finish(SUCCESS, OK, _LOADED)

    def _tell(self):
        if self._record.job.kind == LOCAL:
            self._record.end()
            return 0
        return self._owner.wait(self._owner.deliver(self._record))
