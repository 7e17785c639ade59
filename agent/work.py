"""The phases of lifecycle.py, each a method that does one bounded step; which of them it is, the record knows."""

from agent.compat import const
from agent.errors import FlashError
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
_FORBIDDEN_MS = const(10000)  # until the board is asked again whether flash may be written
_ASK_MS = const(5000)  # between two such questions while it is written
_TEST_MS = const(1000)


class Work:
    """`owner` is the Update."""

    def __init__(self, owner):
        self._owner, self._record = owner, owner.record
        self._trial = None
        self._asked_at = owner.port.clock.ms()
        self._asked_for = 0  # where the package stood
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
        if owner.hardware.may_write and self._is_forbidden():
            return owner.wait(_FORBIDDEN_MS)
        if not owner.fetch:
            from agent.fetch import Fetch

            parts = owner.hardware, self._record, owner.identity, owner.port, owner.source, owner.demands
            owner.fetch = Fetch(*parts, owner.backoff, owner.began)
        wait_ms = owner.wait(owner.fetch.step())
        if self._record.job.phase != DOWNLOAD:
            owner.fetch = None
        return wait_ms

    def _is_forbidden(self):
        """Ask the board, before anything is begun and between two blocks, so that weather that changes ends no update."""
        owner, clock, at = self._owner, self._owner.port.clock, self._record.progress.package_at
        if owner.fetch and (at == self._asked_for or clock.since(self._asked_at) < _ASK_MS):
            return False
        self._asked_at, self._asked_for, reason = clock.ms(), at, owner.hardware.may_write()
        if reason and not owner.forbidden:
            owner.port.log("the update waits: %s", reason)
        elif owner.forbidden and not reason:
            owner.port.log("the update goes on")
            owner.began = clock.ms()  # a download has its day without that
        owner.forbidden = reason
        if reason:
            owner.rest()
        return bool(reason)

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
        """A trial that cannot be armed fails the update: starting again would not help."""
        try:
            self._owner.hardware.boot.set_trial(self._record.package.bank, self._record.job.attempt())
        except FlashError as e:
            self._record.finish(e.code)
            return 0
        self._record.planned_reset()
        self._owner.port.reboot()
        return 0

    @property
    def trial(self):
        """Return the trial that goes on."""
        if not self._trial:
            from agent.trial import Trial, version_test

            owner = self._owner
            tests = list(owner.hardware.self_tests)
            if not owner.hardware.restart:  # else the firmware is not ours to look into, a self-test knows it
                tests.insert(0, version_test(owner.port.version, owner.running_manifest()))
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
