"""One update from the order to the delivered result: the phases of lifecycle.py, each a method that does one bounded step.

Is given the hardware of a board, the journal's record, a port's facts (clock, random, cause, version, reboot), a `source`
whose `open(url, offset)` gives a stream of the package, and a `report(job, code)` that tells whether the server has taken it.
"""

from agent import installer, orders
from agent.backoff import Backoff
from agent.compat import const
from agent.errors import FlashError, LinkError, PackageError
from agent.job import (
    ACCEPTED,
    ARM,
    CLEAN,
    DOWNLOAD,
    DOWNLOAD_ONLY,
    IDLE,
    NO_BANK,
    PROGRESS,
    READY,
    REPORT,
    STATE_DOWNLOADED,
    TRIAL,
)
from agent.lifecycle import HELD, OK, SAME
from agent.record import SUCCESS
from agent.resume import resume
from agent.trial import FAILED, PASSED, Trial, version_test
from agent.verify import read_manifest

_RESUMES = const(8)  # without a new block
_SAME_ENDS = const(3)
_FOR_EVER = const(0x3FFFFFFF)
_BROKEN = const(402)
_IDLE_MS = const(60000)
_POLL_MS = const(20)
_TEST_MS = const(1000)


class Update:
    """The device's one update; `step` until the record is idle."""

    def __init__(self, hardware, record, identity, port, source, report, trial_policy):
        self._hardware = hardware
        self._boot = hardware.boot
        self.record = record
        self._identity = identity
        self._port = port
        self._source = source
        self._report = report
        self._trial_policy = trial_policy
        self._installer = self._stream = self._trial = self._running = None
        self._offset = self._received = self._end = self._ends = 0
        self._wait_ms = self._waiting_since = 0
        self._backoff = Backoff(port.random, _RESUMES)
        self._report_backoff = Backoff(port.random, _FOR_EVER)
        self._steps = {
            IDLE: self._idle,
            ACCEPTED: self._accepted,
            DOWNLOAD: self._download,
            READY: self._ready,
            ARM: self._arm,
            TRIAL: self._try,
            REPORT: self._deliver,
        }

    @property
    def state(self):
        """Return FUMO's State."""
        if self._installer and self._installer.verifying:
            return STATE_DOWNLOADED
        return self.record.job.state

    def resume(self):
        """Take up what a reset interrupted; called once, before the first step."""
        resume(self.record, self._boot, self._port.cause, self._runs)

    def accept(self, order):
        """Take an order, in the place of the one before where that is allowed; return the status for the server."""
        before = self.record.job
        status = orders.accept(self.record, self._boot, order)
        if self.record.job is not before:
            self._drop_download()
        return status

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
        if self.record.package.bank == NO_BANK:
            self.record.finish(orders.NOTHING_STATUS)
        else:
            self._arm_first()
        return 0

    def _download(self):
        try:
            return self._install()
        except LinkError as e:
            if self._is_short():
                self._refuse(PackageError("the package is shorter than its manifest says", _BROKEN))
                return 0
            return self._retry(e)
        except PackageError as e:
            self._refuse(e)
        except FlashError as e:
            self._fail(e.code)
        return 0

    def _is_short(self):
        """Tell whether the stream ended at the very same byte for the third time: the file ends there, not the link."""
        if not self._stream:
            return False
        end = self._offset + self._installer.received - self._received
        self._ends = self._ends + 1 if end == self._end else 1
        self._end = end
        return self._ends >= _SAME_ENDS

    def _ready(self):
        if self.record.job.kind == DOWNLOAD_ONLY:
            self.record.finish(SUCCESS, HELD)
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
        if not self._trial:
            tests = [version_test(self._port.version, self._running_manifest())]
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
        record.finish(SUCCESS, OK)

    def _deliver(self):
        record = self.record
        record.attempt()
        try:
            delivered = self._report(record.job, record.outbox.code)
        except LinkError:
            delivered = False
        if not delivered:
            return self._wait(self._report_backoff.fail())
        self._report_backoff.reset()
        record.end()
        return 0

    # -- the download -------------------------------------------------------------------------------------------------

    def _install(self):
        if not self._installer:
            self._start_installer()
        if not self._stream:
            self._stream = self._source.open(self.record.job.url, self._offset)
            self._received = self._installer.received
        before = self.record.progress.package_at
        told = self._installer.step(self._stream)
        if self.record.progress.package_at > before:
            self._backoff.reset()
        if told == installer.SEEK:
            self._close()
            self._offset = self._installer.offset
        elif told == installer.SAME:
            self._take_same()
        elif told == installer.DONE:
            self._hold_package()
        return _POLL_MS if told == installer.WAIT else 0

    def _start_installer(self):
        hardware, record = self._hardware, self.record
        hardware.check_flash()
        bank, running = hardware.banks[1 - self._boot.confirmed()], self._running_manifest()
        self._installer = installer.Installer(bank, self._identity, running, record)
        self._installer.start(hardware.erase_units, hardware.layout, hardware.banks[self._boot.running()].image)
        self._offset = 0

    def _take_same(self):
        self.record.job.digest = self._installer.manifest.sha256
        self._drop_download()
        self.record.finish(SUCCESS, SAME)

    def _hold_package(self):
        job, package = self.record.job, self.record.package
        package.bank, package.dirty_from = 1 - self._boot.confirmed(), CLEAN
        package.digest = job.digest = self._installer.manifest.sha256
        job.boots = 0
        self._drop_download()
        self.record.progress.clear()
        self.record.go(OK, ((PROGRESS, None),))

    def _retry(self, error):
        self._close()
        self._installer, self._offset = None, 0
        wait_ms = self._backoff.fail()
        if wait_ms < 0:
            self._fail(error.code)
            return 0
        return self._wait(wait_ms)

    def _refuse(self, error):
        if error.code == _BROKEN and not self.record.job.restarts:
            self._drop_download()
            self.record.restart()
        else:
            self._fail(error.code)

    def _fail(self, code):
        self._drop_download()
        self.record.finish(code)

    def _drop_download(self):
        self._close()
        self._installer = None
        self._offset = self._end = self._ends = 0
        self._wait_ms = 0
        self._backoff.reset()

    def _close(self):
        if self._stream:
            self._stream.close()
            self._stream = None

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _wait(self, wait_ms):
        self._wait_ms, self._waiting_since = wait_ms, self._port.clock.ms()
        return wait_ms

    def _running_manifest(self):
        if not self._running:
            self._running = read_manifest(self._hardware.banks[self._boot.running()], self._identity)
        return self._running

    def _runs(self, digest):
        running = self._running_manifest()
        return running is not None and running.sha256 == digest
