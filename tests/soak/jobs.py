"""The books of what the device has accepted, kept from outside: each order that was put, and what the servers heard of it."""

from agent.job import IDLE

NAMES = ("", "download", "update", "downloadandupdate")
OPEN, DONE, SUPERSEDED, DROPPED = "open", "done", "superseded", "dropped"


class Job:
    """One accepted order."""

    def __init__(self, job, serial):
        self.server, self.correlator, self.kind = job.server, job.correlator, NAMES[job.kind]
        self.serial = serial
        self.state = OPEN
        self.alerts = []  # what came, without its session
        self.told = []  # statuses for the download server
        self.results = []  # codes that were put
        self.attempts = set()  # trials that were armed
        self.flashed = False  # by the owner, since
        self.excused = False  # confirmed firmware fell back: its result may be withdrawn

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
