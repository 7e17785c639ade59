"""What must hold after every schedule, watched from outside: knows what a power cut may do, and nothing of how the agent works."""

from ports.sim.server import Server
from tests.powercut.watch import Watch


class Oracle(Watch, Server):
    """The server of the simulated device, which also keeps the books."""

    def __init__(self, world):
        Server.__init__(self, world.packages, world.orders)
        Watch.__init__(self, world)
        self.delivered = set()

    def state(self):
        """Return what survives a cut, for snapshots and to tell states apart."""
        puts = tuple(tuple(sorted(c.items())) for c in self.candidates)
        flags = (self.confirmed, self.unsure, self.trial_cuts, self.trial_resets, self.fell_back)
        return (self.given, tuple(self.reports), flags, puts, tuple(sorted(self.delivered)), self.fetched)

    def set_state(self, state):
        """Go back to a state."""
        self.given, reports, flags, puts, delivered, self.fetched = state
        self.reports = list(reports)
        self.confirmed, self.unsure, self.trial_cuts, self.trial_resets, self.fell_back = flags
        self.candidates = [dict(c) for c in puts]
        self.delivered = set(delivered)
        self.confirming = self.ordering = False

    def report(self, job, code):
        """Take a result and hold it against those before it."""
        correlator = job.correlator
        self.check(correlator not in self.delivered, "alert after its job had ended")
        others = [r[1] for r in self.reports if r[0] == correlator]
        self.check(not others or others[0] == code, "alerts differ: %s, %s" % (others, code))
        if code == 200:
            wanted = {"a": "2", "b": "3"}[correlator]
            self.check(self.device.version == wanted, "success reported while %s runs" % self.device.version)
            self.check(not self.in_trial(), "success reported from a trial")
        return super().report(job, code)

    def satisfied(self, update):
        """Give orders, and see which jobs have ended."""
        record = update.record
        if record.idle and record.job.correlator and self.given:
            self.delivered.add(record.job.correlator)
        if record.idle and self.unsure:  # the job is over, so the boot control has decided
            self.confirmed, self.unsure = self.device.hardware.boot.confirmed(), False
            self._set_guard()
        self.ordering = not record.idle
        done = super().satisfied(update)
        self.ordering = False
        return done

    # -- the end ------------------------------------------------------------------------------------------------------

    def check_end(self):
        """Hold the end against what the world may come to."""
        world = self.world
        got = {}
        for correlator, code, _ in self.reports:
            got[correlator] = code
        for correlator in world.codes:
            if correlator not in world.superseded and not self.fell_back:
                self.check(correlator in got, "no alert arrived for " + correlator)
        for correlator, code in got.items():
            allowed = set(world.codes[correlator]) or {402, 412}
            if allowed == {200} and (self.trial_cuts > 2 or self.trial_resets):
                allowed.add(410)
            self.check(code in allowed, "%s ended as %s" % (correlator, code))
        ends = set(world.ends)
        if world.good and got.get(world.good) == 410:
            ends = {world.old, "2"}
        self.check(self.device.version in ends, "%s runs at the end" % self.device.version)
        return world.good and got.get(world.good) == 200
