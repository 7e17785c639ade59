"""The life of an update as two tables: what follows a phase, and where a reset leads to. A missing row is a defect.

Running the boot table twice gives the same answer; every row that is ambiguous keeps the confirmed bank.
"""

from agent import reset
from agent.compat import const
from agent.job import ACCEPTED, AGAIN, ARM, DOWNLOAD, FAIL, HELD, IDLE, OK, READY, REPORT, SAME, TRIAL

PHASES = ("idle", "accepted", "download", "", "ready", "arm", "trial", "report")  # what people call them
MAX_ARMS = const(3)
MAX_BOOTS = const(10)  # reboots without progress

NEXT = (
    # phase, event, next phase; an order enters at ACCEPTED or DOWNLOAD, a local one at ARM
    (ACCEPTED, OK, ARM),
    (ACCEPTED, SAME, REPORT),
    (ACCEPTED, FAIL, REPORT),
    (DOWNLOAD, OK, READY),
    (DOWNLOAD, AGAIN, DOWNLOAD),
    (DOWNLOAD, SAME, REPORT),
    (DOWNLOAD, FAIL, REPORT),
    (READY, OK, ARM),
    (READY, HELD, REPORT),
    (READY, FAIL, REPORT),
    (ARM, FAIL, REPORT),  # ARM and TRIAL are left by a reset, see below
    (TRIAL, OK, REPORT),
    (TRIAL, FAIL, REPORT),
    (REPORT, OK, IDLE),
)

# What the boot control says, in the light of the job
STAYED = const(0)  # the confirmed bank runs, the job's bank has not been tried
TRYING = const(1)  # the job's bank runs, unconfirmed
FELL = const(2)  # the confirmed bank runs, the trial of the job's bank is used up
KEPT = const(3)  # the job's bank runs and is confirmed

BOOT = (
    # phase, boot control, next phase, result code (0: none yet)
    (IDLE, STAYED, IDLE, 0),
    (IDLE, TRYING, IDLE, 0),  # a trial that nobody here ordered is not confirmed: the next reset ends it
    (IDLE, FELL, IDLE, 0),
    (IDLE, KEPT, IDLE, 0),
    (ACCEPTED, STAYED, ACCEPTED, 0),  # nothing had begun
    (ACCEPTED, FELL, ACCEPTED, 0),  # the trial that fell was an earlier job's
    (ACCEPTED, KEPT, TRIAL, 0),  # the old firmware crashed so often that the first stage took the held one: test it
    (DOWNLOAD, STAYED, DOWNLOAD, 0),  # goes on at the noted block
    (DOWNLOAD, FELL, DOWNLOAD, 0),
    (READY, STAYED, READY, 0),
    (READY, FELL, READY, 0),
    (READY, KEPT, TRIAL, 0),
    (ARM, STAYED, ARM, 0),  # cut before the trial was set: set it again, it is the same attempt
    (ARM, TRYING, TRIAL, 0),
    (ARM, FELL, ARM, 410),  # another attempt, or 410 where none is left: see `fell`
    (ARM, KEPT, TRIAL, 0),  # confirmed, and the note of the trial faded: confirm again
    (TRIAL, STAYED, ARM, 410),  # the record of the trial faded: as if it had fallen
    (TRIAL, TRYING, TRIAL, 0),
    (TRIAL, FELL, ARM, 410),
    (TRIAL, KEPT, TRIAL, 0),  # confirm again, then report: one record alone could fade
    (REPORT, STAYED, REPORT, 0),
    (REPORT, TRYING, REPORT, 0),
    (REPORT, FELL, REPORT, 0),
    (REPORT, KEPT, REPORT, 0),
)
STATE_LOST = const(409)


def after(phase, event):
    """Return the phase that follows."""
    for row in NEXT:
        if row[0] == phase and row[1] == event:
            return row[2]
    raise ValueError("no transition from phase %d with event %d" % (phase, event))


def situation(boot, bank, attempt):
    """Return what the boot control says of that attempt with the job's bank."""
    if boot.running() != boot.confirmed():
        return TRYING
    if boot.running() == bank:
        return KEPT
    return FELL if boot.tried(bank, attempt) else STAYED


def at_boot(phase, found):
    """Return (next phase, code); a pair that cannot come about keeps the confirmed bank and says that its state is lost."""
    for row in BOOT:
        if row[0] == phase and row[1] == found:
            return row[2], row[3]
    return REPORT, STATE_LOST


def may_arm_again(arms, cause):
    """Tell whether a trial that fell is tried again: not after a fault of its own, and three times at most."""
    return arms < MAX_ARMS and cause in (reset.POWER, reset.UNKNOWN)
