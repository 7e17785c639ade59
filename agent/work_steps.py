"""The phases of lifecycle.py but the download, each a method that does one bounded step. See work.py."""

from agent.compat import const
from agent.errors import FlashError
from agent.job import ACCEPTED, ARM, DOWNLOAD_ONLY, HELD, LOCAL, NO_BANK, OK, READY, SAME, TRIAL
from agent.record import SUCCESS
from agent.work import Work

_LOADED = const(900)  # what a download server is told of a success
_NOTHING = const(405)  # what a server is told of an Update where no package is held
_TEST_MS = const(1000)


class Steps(Work):
    """What a Work does in them."""

    def act(self, phase):
        """Do one thing of the phase; return the milliseconds until the next one is wanted."""
        if phase == ACCEPTED:
            return self._accepted()
        if phase == READY:
            return self._ready()
        if phase == ARM:
            return self._arm()
        return self._try() if phase == TRIAL else self._tell()

    def make_trial(self):
        """Return a trial that begins."""
        from agent.trial import Trial, version_test

        owner = self._owner
        tests = list(owner.hardware.self_tests)
        if not owner.hardware.restart:  # else the firmware is not ours to look into, a self-test knows it
            tests.insert(0, version_test(owner.port.version, owner.running_manifest()))
        return Trial(owner.port.clock, tests, **owner.trial_policy)

    def _accepted(self):
        bank = self._record.package.bank
        if bank == NO_BANK:
            self._record.finish(_NOTHING)
        elif bank == self._owner.hardware.boot.confirmed():
            self._record.finish(SUCCESS, SAME)
        else:
            self._arm_first()
        return 0

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
