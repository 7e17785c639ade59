"""How an update begins: by an order, by its owner, or where a reset has interrupted it. See update.py."""

import binascii

from agent.update import Update


class Orders(Update):
    """What an Update does then."""

    def set_up(self, hardware, record, identity, port, source, deliver, trial_policy):
        """Begin."""
        self.hardware, self.record, self.identity, self.port = hardware, record, identity, port
        self.source, self.deliver, self.trial_policy = source, deliver, trial_policy
        self.fetch = self._running = self._work = None
        self.failures = 0  # of the download in a row
        self.began = port.clock.ms()  # or when the order was taken
        self._wait_ms = self._waiting_since = 0
        self.forbidden = ""  # why the board does not let the flash be written now

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

    def _begin(self):
        self.rest()
        self.failures = self._wait_ms = 0
        self.began = self.port.clock.ms()

    def demands(self):
        """Return what a package is held against, see Record.demands."""
        return self.record.demands(self.running_manifest())

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
