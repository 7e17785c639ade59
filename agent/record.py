"""What the journal knows of the update, which record_changes.py alone changes: one put for each step of the life cycle."""

from agent.job import ATTEMPT, IDLE, REPORT, Job, Outbox, Package
from agent.late import late
from agent.progress import Progress

SUCCESS = 200


class Record:
    """Job, package, outbox and progress, as they are and as they are kept."""

    def __init__(self, journal):
        self._journal = journal
        self.job = Job.load(journal)
        self.package = Package.load(journal)
        self.outbox = Outbox.load(journal)
        self.progress = Progress(journal)
        self.attempted = journal.get(ATTEMPT, bytearray(58)) > 0  # the result may have left the device
        self.settle = None  # to be called before a reset that is planned

    def __getattr__(self, name):  # all that changes it
        from agent.record_changes import Changes

        return late(Changes, self, name)

    @property
    def idle(self):
        """Tell whether nothing is left to do."""
        return self.job.phase == IDLE

    @property
    def open(self):
        """Tell whether no operation is under way: the package may be exchanged."""
        return self.job.phase in (IDLE, REPORT)
