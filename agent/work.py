"""The phases of lifecycle.py, each a method that does one bounded step; which of them it is, the record knows."""

from agent.compat import const
from agent.job import DOWNLOAD, IDLE
from agent.late import late

_IDLE_MS = const(60000)
_FORBIDDEN_MS = const(10000)  # until the board is asked again whether flash may be written
_ASK_MS = const(5000)  # between two such questions while it is written


class Work:
    """`owner` is the Update."""

    def __init__(self, owner):
        self._owner, self._record = owner, owner.record
        self._trial = None
        self._asked_at = owner.port.clock.ms()
        self._asked_for = 0  # where the package stood

    def __getattr__(self, name):  # what is done in every other phase
        from agent.work_steps import Steps

        return late(Steps, self, name)

    @property
    def busy(self):
        """Tell whether it knows what a new one would not."""
        return self._trial is not None

    def step(self):
        """Do one thing; return the milliseconds until the next one is wanted."""
        phase = self._record.job.phase
        if phase == DOWNLOAD:
            return self._download()
        return self.act(phase) if phase != IDLE else _IDLE_MS

    def _download(self):
        owner = self._owner
        if owner.hardware.may_write and self._is_forbidden():
            return owner.wait(_FORBIDDEN_MS)
        if not owner.fetch:
            from agent.fetch import Fetch

            owner.fetch = Fetch(owner)
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

    @property
    def trial(self):
        """Return the trial that goes on."""
        if not self._trial:
            self._trial = self.make_trial()
        return self._trial
