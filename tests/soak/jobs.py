"""The books of what the device has accepted, kept from outside: each order that was put, and what the servers heard of it."""

from agent.job import ARM, IDLE, TRIAL
from ports.sim.power import Violation

NAMES = ("", "download", "update", "downloadandupdate")
OPEN, DONE, SUPERSEDED, DROPPED = "open", "done", "superseded", "dropped"


class Job:
    """One accepted order."""

    def __init__(self, job, serial):
        self.server, self.correlator, self.kind = job.server, job.correlator, NAMES[job.kind]
        self.serial = serial
        self.state = OPEN
        self.alerts = []  # what came, without its session
        self.answers = []  # ... and the Statuses that they got
        self.told = []  # statuses for the download server
        self.results = []  # codes that were put
        self.attempts = set()  # trials that were armed
        self.flashed = False  # by the owner, since
        self.excused = False  # confirmed firmware fell back: its result may be withdrawn

    @property
    def delivered(self):
        """Tell whether the device may take its result for delivered: it was taken, or refused three times for good."""
        refused = [code for code in self.answers if 400 <= code < 500 and code not in (401, 407, 408, 417)]
        return any(200 <= code < 300 for code in self.answers) or len(refused) > 2

    def same(self, job):
        """Tell whether this is the job that the journal holds."""
        mine = (self.server, self.correlator, self.kind, self.serial)
        return mine == (job.server, job.correlator, NAMES[job.kind], job.serial)

    def __str__(self):
        return "%s of %s" % (self.kind, self.correlator)


class Jobs:
    """`current` is the job that the journal holds, None before the first."""

    def __init__(self):
        self.all = []
        self.current = None
        self._coming = None  # is being put
        self._ending = ""  # what `current` becomes by the put that goes on

    def watch(self, record):
        """See what a boot's record makes of its jobs; first what the cut before it has left."""
        self._settle(record)
        order, end, drop = record.order, record.end, record.drop

        def watched_order(job, phase):
            self._check_order(job, record)
            self._coming = Job(job, record.job.serial + 1 & 0xFF)
            order(job, phase)
            self._come()

        def watched(plain, state):
            def ending(*args):
                self._ending = state
                plain(*args)
                self._end(state)

            return ending

        record.order, record.end = watched_order, watched(end, DONE)
        record.drop = watched(drop, DROPPED)

    def find(self, server, kind, correlator):
        """Return the newest job that an alert can be about."""
        for job in reversed(self.all):
            if (job.server, job.kind, job.correlator) == (server, kind, correlator):
                return job
        return None

    def drop(self):
        """The owner has flashed or reset the device."""
        if self.current and self.current.state == OPEN:
            self.current.state = DROPPED

    def _check_order(self, job, record):
        """An order takes the place of another one of the same server only, and not between ARM and the trial's end."""
        if record.job.phase != IDLE and job.server != record.job.server:
            raise Violation("an order takes the place of another server's")
        if record.job.phase in (ARM, TRIAL):
            raise Violation("an order is taken in a trial")

    def _settle(self, record):
        if self._coming and self._coming.same(record.job):
            self._come()
        self._coming = None
        if self._ending and record.job.phase == IDLE:
            self._end(self._ending)
        self._ending = ""

    def _come(self):
        if self.current and self.current.state == OPEN:
            self.current.state = SUPERSEDED
        self.current, self._coming = self._coming, None
        self.all.append(self.current)

    def _end(self, state):
        if self.current and self.current.state == OPEN:
            self.current.state = state
        self._ending = ""
