"""One update from the order to the delivered result: what others ask of it, and what must outlive a phase. See work.py.

Is given the hardware of a board, the journal's record, a port's facts (clock, random, cause, version, reboot), a `source`
whose `open(job, offset, capacity)` gives a stream of the package, and `deliver(record)`, which does a step of telling the
result and returns the milliseconds until the next one; once all is told it has ended the record.
"""

from agent.job import STATE_DOWNLOADED
from agent.late import late


class Update:
    """The device's one update; `step` until the record is idle. Made of hardware, record, identity, port, source, deliver and the
    trial's policy.
    """

    shallow = None  # function(function): on a small board calls it later, where the stack is not deep (see Agent)

    def __init__(self, *parts):
        self.set_up(*parts)

    def __getattr__(self, name):  # resume, accept, try_bank, demands
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
