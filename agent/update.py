"""One update from the order to the delivered result: what others ask of it, and what must outlive a phase. See work.py.

Is given the hardware of a board, the journal's record, a port's facts (clock, random, cause, version, reboot), a `source`
whose `open(job, offset, capacity)` gives a stream of the package, and `deliver(record)`, which does a step of telling the
result and returns the milliseconds until the next one; once all is told it has ended the record.
"""

import binascii

from agent.backoff import Backoff
from agent.compat import const
from agent.job import STATE_DOWNLOADED

_RESUMES = const(8)  # of a download, without a new block


class Update:
    """The device's one update; `step` until the record is idle."""

    def __init__(self, hardware, record, identity, port, source, deliver, trial_policy):
        self.hardware, self.record, self.identity, self.port = hardware, record, identity, port
        self.source, self.deliver, self.trial_policy = source, deliver, trial_policy
        self.fetch = self._running = self._work = None
        self.backoff = Backoff(port.random, _RESUMES)  # of the download, whose Fetch may be gone for a while
        self.began = port.clock.ms()
        self._wait_ms = self._waiting_since = 0
        self.forbidden = ""  # why the board does not let the flash be written now

    @property
    def state(self):
        """Return FUMO's State."""
        if self.fetch and self.fetch.verifying:
            return STATE_DOWNLOADED
        return self.record.job.state

    def resume(self):
        """Take up what a reset interrupted; called once, before the first step."""
        from agent.resume import resume

        if self._was_flashed():
            self.record.drop()
        resume(self.record, self.hardware.boot, self.port.cause, self._runs)

    def accept(self, order):
        """Take an order, in the place of the one before where that is allowed; return the status for the server."""
        from agent import orders

        before = self.record.job
        order.base = self._base()
        status = orders.accept(self.record, self.hardware.boot, order)
        if self.record.job is not before:
            self._begin()
        return status

    def try_bank(self, bank, digest):
        """The owner wants that bank, which is whole, tried in the place of whatever was ordered."""
        from agent.local import order_trial

        order_trial(self.record, bank, digest)
        self._begin()

    def rest(self):
        """Give up the link and the memory of a download; it goes on at the noted block."""
        if self.fetch:
            self.fetch.let_go()
            self.fetch = None
        if self._work and not self._work.busy:
            self._work = None

    def pause(self):
        """Let go of the link at the end of the block that comes; tell whether it is free. `step` goes on by itself."""
        return self.fetch is None or self.fetch.pause()

    def step(self):
        """Do one bounded thing; return the milliseconds until the next one is wanted."""
        if self.hardware.tick:
            self.hardware.tick()
        if self._wait_ms:  # what began long ago may look as if it were to come: a clock wraps
            waited_ms = self.port.clock.since(self._waiting_since)
            if waited_ms < self._wait_ms:
                return self._wait_ms - waited_ms
            self._wait_ms = 0
        return self.work.step()

    @property
    def work(self):
        """Return what does the phases."""
        if not self._work:
            from agent.work import Work

            self._work = Work(self)
        return self._work

    def demands(self):
        """Return what a package is held against, see Record.demands."""
        return self.record.demands(self.running_manifest())

    # -- helpers ------------------------------------------------------------------------------------------------------

    def wait(self, wait_ms):
        """Let nothing happen for so long; return it."""
        self._wait_ms, self._waiting_since = wait_ms, self.port.clock.ms()
        return wait_ms

    def running_manifest(self):
        """Return the manifest of the running bank, None where it has none."""
        if not self._running:
            from agent.verify import read_manifest

            self._running = read_manifest(self.hardware.banks[self.hardware.boot.running()], self.identity)
        return self._running

    def _begin(self):
        self.rest()
        self.backoff.reset()
        self.began = self.port.clock.ms()
        self._wait_ms = 0

    def _base(self):
        running = self.running_manifest()
        return str(binascii.hexlify(running.sha256[:8]), "ascii") if running else ""

    def _was_flashed(self):
        """Tell whether the board's owner put another firmware there than an update could: the order is void then."""
        boot, job = self.hardware.boot, self.record.job
        if self.record.idle or not job.base or boot.running() != boot.confirmed() or boot.fell_back():
            return False
        base = self._base()
        return bool(base) and base != job.base and not self._runs(job.digest)

    def _runs(self, digest):
        running = self.running_manifest()
        return running is not None and running.sha256 == digest
