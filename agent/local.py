"""An update that no server ordered: the owner brought the image over a serial line, or wants the firmware before this one.

The bank is whole and verified when it comes here. It is tried like any other and kept or not; nobody is told, a server
learns of other firmware as it always does, by being asked.
"""

from agent.job import ARM, CLEAN, LOCAL, Job


def order_trial(record, bank, digest):
    """Put that this bank is to be tried, in the place of whatever was ordered before; `Work` then sets the trial."""
    job = Job()
    job.kind, job.digest, job.arms = LOCAL, digest, 1
    package = record.package
    package.bank, package.digest, package.dirty_from = bank, digest, CLEAN
    record.order(job, ARM)
