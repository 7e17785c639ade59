"""The three values that the journal keeps of an update: the job, the package that is held, and the outbox.

Independent on purpose: a job may end while its package stays, a result may wait while nothing else does.
Each begins with the number of its format; a reader that does not know the number treats the value as absent. The values
grow at their end only, under the same number: firmware that fell back reads what the newer one wrote, and the reverse.
"""

from agent.compat import const
from agent.late import late

JOB = const(1)
PACKAGE = const(2)
OUTBOX = const(3)
PROGRESS = const(4)
ATTEMPT = const(7)  # a note: the result in the outbox may have left the device
UPLOAD = const(10)  # which file serial recovery was taking, see serial_install.py
FLOOR = const(11)  # what a confirmed bank demanded that serial recovery overwrote

# Phases of a job; their names stand in lifecycle.py
IDLE = const(0)
ACCEPTED = const(1)  # an Exec Update was accepted, nothing has begun
DOWNLOAD = const(2)  # from the first byte to the last one in flash
# 3 is VERIFY, which is State 40 and no phase of its own: a reset takes it up again from DOWNLOAD
READY = const(4)  # the package is held
ARM = const(5)  # the trial is about to be set
TRIAL = const(6)  # the new firmware runs and has not been confirmed
REPORT = const(7)  # the result is certain and waits to be delivered

# Events, that lead from phase to phase (see lifecycle.py)
OK = const(0)
FAIL = const(1)  # final: the result goes out
AGAIN = const(2)  # from the start of the package
HELD = const(3)  # the order was only to download
SAME = const(4)  # the running bank is that image already

# What the Exec ordered
DOWNLOAD_ONLY = const(1)
UPDATE_ONLY = const(2)
DOWNLOAD_AND_UPDATE = const(3)
LOCAL = const(4)  # no Exec: the owner did it, see local.py

# FUMO State
STATE_IDLE = const(10)
STATE_DOWNLOAD_FAILED = const(20)
STATE_DOWNLOADING = const(30)
STATE_DOWNLOADED = const(40)
STATE_READY = const(50)
STATE_UPDATING = const(60)
STATE_FAILED_HELD = const(70)
STATE_FAILED = const(80)
STATE_DONE_HELD = const(90)
STATE_DONE = const(100)

NO_BANK = const(0xFF)
CLEAN = const(0xFFFFFFFF)  # no part of the spare bank is suspect


class Kept:
    """One of the values; how it becomes bytes stands in job_bytes.py."""

    @classmethod
    def load(cls, journal):
        """Return the value that the journal holds, a new one where there is none that can be read."""
        from agent.job_bytes import load

        return load(cls(), journal)

    def __getattr__(self, name):  # pack, and of a Job begin, attempt, same_order
        from agent.job_bytes import Packing

        return late(Packing, self, name)


class Job(Kept):
    """What a server ordered, and how far it is."""

    def __init__(self):
        self.begin()


class Package(Kept):
    """What the spare bank holds: a verified package or none, and from where on its cells are not to be trusted."""

    def __init__(self):
        self.bank = NO_BANK
        self.digest = bytes(32)  # of the image
        self.dirty_from = CLEAN  # a cut was near: erase from here on, however it reads
        self.known = None  # what mo_fumo has read of it; not kept


class Outbox(Kept):
    """What waits to be told: the code of the one alert, and the status for the download server until it was posted."""

    def __init__(self, code=0, dlota=0):
        self.code = code
        self.dlota = dlota
