"""One update from the order to the delivered result: what others ask of it, and what must outlive a phase. See work.py.

Is given the hardware of a board, the journal's record, a port's facts (clock, random, cause, version, reboot), a `source`
whose `open(job, offset, capacity)` gives a stream of the package, and `deliver(record)`, which does a step of telling the
result and returns the milliseconds until the next one; once all is told it has ended the record.
"""

from agent.backoff import Backoff
from agent.compat import const
from agent.job import STATE_DOWNLOADED
from agent.late import late

_RESUMES = const(8)  # of a download, without a new block


class Update:
    """The device's one update; `step` until the record is idle."""

    shallow = None  # function(function): on a small board calls it later, where the stack is not deep (see Agent)

    def __init__(self, hardware, record, identity, port, source, deliver, trial_policy):
        self.hardware, self.record, self.identity, self.port = hardware, record, identity, port
        self.source, self.deliver, self.trial_policy = source, deliver, trial_policy
        self.fetch = self._running = self._work = None
        self.backoff = Backoff(port.random, _RESUMES)  # of the download, whose Fetch may be gone for a while
        self.began = port.clock.ms()
        self._wait_ms = self._waiting_since = 0
        self.forbidden = ""  # why the board does not let the flash be written now

    def __getattr__(self, name):  # resume, accept, try_bank
        from agent.update_orders import Orders

        return late(Orders, self, name)

    @property
    def state(self):
        """Return FUMO's State."""
        if self.fetch and self.fetch.verifying:
            return STATE_DOWNLOADED
        return self.record.job.state

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
