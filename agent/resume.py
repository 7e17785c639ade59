"""After a reset: one look at the table, one put of what it says, before anything acts on it."""

from agent import lifecycle
from agent.job import ARM, DOWNLOAD, DOWNLOAD_ONLY, PROGRESS, REPORT
from agent.record import SUCCESS
from agent.reset import UNKNOWN

_FAILED = 410


def resume(record, boot, cause, runs):
    """Decide what a reset left to be done; `runs(digest)` tells whether that image is the one that runs."""
    package = record.package
    if record.job.phase != DOWNLOAD and record.progress.erase_end:  # a push was cut
        package.dirty_from = min(package.dirty_from, record.progress.image_at)
    if record.idle:
        return
    found = lifecycle.situation(boot, package.bank, record.job.attempt())
    phase, code = lifecycle.at_boot(record.job.phase, found)
    if phase == ARM and code:
        phase, code = _after_fall(record.job, _cause_of_fall(boot, cause), code)
    if phase == REPORT and code:
        record.finish(code)
    elif phase == REPORT:
        _resume_report(record, runs)
    else:
        _resume_phase(record, phase)


def _cause_of_fall(boot, cause):
    """The cause that can be read is that of the last reset: it says nothing of the trial if another bank ran since."""
    told = getattr(boot, "cause_of_fall", None)  # of a chip beside this one: our own reset says nothing of it
    if told:
        return told()
    return UNKNOWN if boot.ran_before() == boot.running() else cause


def _after_fall(job, cause, code):
    if not lifecycle.may_arm_again(job.arms, cause):
        return REPORT, code
    job.arms += 1
    return ARM, 0


def _resume_phase(record, phase):
    job, progress = record.job, record.progress
    moved = phase != job.phase or (phase == DOWNLOAD and progress.package_at > job.mark)
    job.boots = 0 if moved else job.boots + 1
    job.mark = progress.package_at
    if phase == DOWNLOAD and progress.erase_end:
        record.package.dirty_from = min(record.package.dirty_from, progress.image_at)
    if job.boots >= lifecycle.MAX_BOOTS:
        record.finish(lifecycle.STATE_LOST)
    else:
        record.enter(phase, ((PROGRESS, progress.packed() if phase == DOWNLOAD else None),))


def _resume_report(record, runs):
    """A success is only told while it is true: after a fall-back it is withdrawn, or kept silent where it may be out."""
    job = record.job
    if record.outbox.code != SUCCESS or job.kind == DOWNLOAD_ONLY or runs(job.digest):
        record.enter(REPORT)
    elif record.attempted:
        record.end()
    else:
        job.phase = lifecycle.ARM  # back to where a failure is reported from
        record.finish(_FAILED)
