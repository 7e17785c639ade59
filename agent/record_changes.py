"""Every change of what the journal knows of the update: one put for each step of the life cycle. See record.py."""

from agent.errors import FlashError
from agent.job import (
    AGAIN,
    ARM,
    ATTEMPT,
    CLEAN,
    DOWNLOAD,
    DOWNLOAD_ONLY,
    FAIL,
    FLOOR,
    IDLE,
    JOB,
    NO_BANK,
    OK,
    OUTBOX,
    PACKAGE,
    PROGRESS,
    READY,
    STATE_DONE,
    STATE_DONE_HELD,
    STATE_DOWNLOAD_FAILED,
    STATE_DOWNLOADING,
    STATE_FAILED,
    STATE_FAILED_HELD,
    STATE_IDLE,
    STATE_READY,
    STATE_UPDATING,
    TRIAL,
    UPLOAD,
    Job,
    Outbox,
    Package,
)
from agent.progress import Progress
from agent.record import SUCCESS, Record

_STATES = {DOWNLOAD: STATE_DOWNLOADING, READY: STATE_READY, ARM: STATE_UPDATING, TRIAL: STATE_UPDATING}


class Changes(Record):
    """What a Record does at those steps."""

    def set_up(self, journal):
        """Take up what is kept."""
        self._journal = journal
        self.job = Job.load(journal)
        self.package = Package.load(journal)
        self.outbox = Outbox.load(journal)
        self.progress = Progress(journal)
        self.attempted = journal.get(ATTEMPT, bytearray(58)) > 0  # the result may have left the device
        self.settle = None  # to be called before a reset that is planned

    def go(self, event, more=()):
        """Put the phase that follows."""
        from agent.lifecycle import after

        self.enter(after(self.job.phase, event), more)

    def enter(self, phase, more=()):
        """Put a phase, and what changes with it, in one write."""
        self.job.phase = phase
        self.job.state = _STATES.get(phase, self.job.state)
        self._journal.put(((JOB, self.job.pack()), (PACKAGE, self.package.pack())) + tuple(more))

    def order(self, job, phase):
        """Put a new order in the place of whatever was before it."""
        job.serial = (self.job.serial + 1) & 0xFF
        self.job = job
        self.attempted = False
        self.outbox.code = self.outbox.dlota = 0
        self.progress.clear()
        self.enter(phase, ((OUTBOX, None), (PROGRESS, None), (ATTEMPT, None), (UPLOAD, None)))

    def finish(self, code, event=FAIL, dlota=0):
        """Put the result: from here on the operation is over, whatever becomes of the alert."""
        self.job.state = self._final_state(code)
        self.job.code = self.outbox.code = code
        self.outbox.dlota = (dlota or _dlota_of(code)) if self.job.notify else 0
        self.attempted = False
        self.progress.clear()
        more = ((OUTBOX, self.outbox.pack()), (PROGRESS, None), (ATTEMPT, None))
        if event == OK:  # a trial has passed: what is confirmed says itself what it demands
            more += ((FLOOR, None),)
        self.go(event, more)

    def attempt(self):
        """Note that the result may be on its way, once."""
        if not self.attempted:
            self._journal.note(ATTEMPT, b"\x01")
            self.attempted = True

    def end(self):
        """Put that the result was delivered, or will never be; State stays."""
        self.outbox.code = self.outbox.dlota = 0
        self.go(OK, ((OUTBOX, None), (ATTEMPT, None)))

    def restart(self):
        """Put that the download begins again, into a bank of which nothing is trusted."""
        self.job.restarts += 1
        self.job.digest = bytes(32)
        self.job.validator = ""
        self.package.dirty_from = 0
        self.progress.clear()
        self.go(AGAIN, ((PROGRESS, None),))

    def posted(self):
        """Put that the download server was told, or will never be."""
        self.outbox.dlota = 0
        self._journal.put(((OUTBOX, self.outbox.pack()),))

    def keep(self):
        """Put what the job has learnt."""
        self._journal.put(((JOB, self.job.pack()),))

    def demands(self, running):
        """Return what a package is held against: the running firmware's manifest, and what serial recovery must not forget."""
        if self._journal.get(FLOOR, bytearray(58)) < 0:
            return running
        from agent.serial_floor import bind

        return bind(self._journal, running)

    # -- what the server puts into the object, and what the board takes out of it -------------------------------------

    def reset_state(self):
        """Put that another package is meant from now on: State 10, nothing is held."""
        if self.job.state != STATE_IDLE or self.package.bank != NO_BANK:
            self._content(STATE_IDLE, NO_BANK, bytes(32))

    def begin_push(self):
        """Put that the bank is about to be written without an order."""
        self.progress.clear()
        self._content(STATE_IDLE, NO_BANK, bytes(32), ((PROGRESS, None), (UPLOAD, None)))

    def hold(self, bank, digest, written=True):
        """Put that a package is held which no order has fetched; the bank was written for it, or is the running one."""
        if written:
            self.package.dirty_from = CLEAN
        self.progress.clear()
        self._content(STATE_READY, bank, digest, ((PROGRESS, None),))

    def clean_up(self):
        """Put that the bank serves another purpose now: 70 becomes 80 and 90 becomes 100, a held package is gone."""
        state = {STATE_FAILED_HELD: STATE_FAILED, STATE_DONE_HELD: STATE_DONE, STATE_READY: STATE_IDLE}
        after = state.get(self.job.state, self.job.state)
        if after != self.job.state or self.package.bank != NO_BANK:
            self._content(after, NO_BANK, bytes(32))

    def drop(self, more=()):
        """Put that the board was flashed or reset by its owner: the order and its result are void, nothing is told."""
        serial, self.job = self.job.serial, Job()
        self.job.serial = serial  # the boot record still knows the trials of orders before
        self.outbox.code = self.outbox.dlota = 0
        self.progress.clear()
        self.package.bank = NO_BANK
        self.enter(IDLE, ((OUTBOX, None), (PROGRESS, None), (ATTEMPT, None)) + tuple(more))

    def _content(self, state, bank, digest, more=()):
        job, package = self.job, self.package
        before = job.state, package.bank, package.digest
        job.state, package.bank, package.digest = state, bank, digest
        try:
            self._journal.put(((JOB, job.pack()), (PACKAGE, package.pack())) + more)
        except FlashError:
            job.state, package.bank, package.digest = before
            raise

    def forget_package(self):
        """Put that no package is held: the bank is about to be changed."""
        self.package.bank = NO_BANK
        self._journal.put(((PACKAGE, self.package.pack()), (PROGRESS, self.progress.packed())))

    def planned_reset(self):
        """Note that nothing is in flight, once whoever may have lost notes has made up for it."""
        if self.settle:
            self.settle()
        self._journal.mark_clean()

    def _final_state(self, code):
        if code == SUCCESS:
            return STATE_READY if self.job.kind == DOWNLOAD_ONLY else STATE_DONE_HELD
        if self.job.phase == DOWNLOAD:
            return STATE_DOWNLOAD_FAILED
        return STATE_FAILED_HELD if self.package.bank != NO_BANK else STATE_FAILED


def _dlota_of(code):
    from agent.causes import dlota_of

    return dlota_of(code)
