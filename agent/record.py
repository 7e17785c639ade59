"""What the journal knows of the update, which record_changes.py alone changes: one put for each step of the life cycle."""

from agent.job import IDLE, REPORT
from agent.late import late

SUCCESS = 200


class Record:
    """Job, package, outbox and progress, as they are and as they are kept."""

    def __init__(self, journal):
        self.set_up(journal)

    def __getattr__(self, name):  # set_up, and all that changes it
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
