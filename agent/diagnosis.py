"""The one text for whoever has to find a fault: how the device started, what it is at, what the link and the journal are like.

No secret is anywhere near: of what the journal keeps only sizes are shown, of a job neither its URL nor whom it came from.
"""

from agent.compat import const
from agent.job import CLEAN, NO_BANK
from agent.lifecycle import PHASES

_LINK_TEXT = const(160)
_REASON = const(80)
_SLOTS = const(12)
_CRASHES = const(15)  # the rest of the counter's byte says whose they are
_CAUSES = ("unknown", "power", "commanded", "watchdog")


def diagnosis(hardware, record, facts):
    """Return the lines of the diagnosis: plain characters, below 1 KiB however large the numbers are."""
    lines = (
        _start(hardware, facts),
        _boot(hardware.boot),
        _job(record),
        _package(record),
        _link(facts),
        _journal(facts.journal),
    )
    if hardware.may_write:
        lines += (_weather(hardware.may_write()),)
    return "\n".join(lines)


def _start(hardware, facts):
    unix = facts.clock.unix()
    return "reset %s, up %d s, clock %s, crashes %d" % (
        _CAUSES[facts.cause],
        facts.uptime_s(),
        "unknown" if unix is None else unix,
        hardware.crash_counter.get() & _CRASHES,
    )


def _boot(boot):
    return "boot running %d, confirmed %d, before %d" % (boot.running(), boot.confirmed(), boot.ran_before())


def _weather(reason):
    return "update waits: " + _plain(reason[:_REASON]) if reason else "flash may be written"


def _job(record):
    job = record.job
    numbers = (job.kind, PHASES[job.phase], job.state, job.code, job.arms, job.boots, job.restarts, record.outbox.code)
    return "job %d %s, state %d, code %d, arms %d, boots %d, restarts %d, outbox %d" % numbers


def _package(record):
    package, progress = record.package, record.progress
    bank = "none" if package.bank == NO_BANK else str(package.bank)
    suspect = "none" if package.dirty_from == CLEAN else str(package.dirty_from)
    numbers = (bank, suspect, progress.package_at, progress.image_at, progress.erase_end)
    return "package in bank %s, suspect from %s, at %d, image at %d, erasing to %d" % numbers


def _link(facts):
    if not facts.last_link_error:
        return "link good"
    code, text, when = facts.last_link_error
    return "link %d, %d s ago: %s" % (code, facts.uptime_s() - when, _plain(text[:_LINK_TEXT]))


def _journal(journal):
    revision, used, slots, last = journal.recent(_SLOTS)
    shown = " ".join(["%d:%d" % entry for entry in last])
    clean = "clean" if journal.was_clean else "interrupted"
    return "journal revision %d, %d of %d slots, %s, last key:size %s" % (revision, used, slots, clean, shown)


def _plain(text):
    return "".join([char if " " <= char <= "~" else "?" for char in text])
