"""Records across versions: what a newer agent wrote before it fell back, what an older one left, what nobody can read."""

import struct

from agent import job_bytes as values
from agent.dm_nonces import SESSION, Nonces
from agent.job import DOWNLOAD, IDLE, JOB, NO_BANK, OUTBOX, PACKAGE, REPORT, Job, Outbox, Package
from agent.journal import Journal
from agent.progress import Progress
from agent.record import Record
from hal.region import Region
from tests.portable.boards import make_flash

SECTORS = 3 * 4096
LONG, SHORT = 100, 101  # keys that only a newer agent knows
UNKNOWN = ((LONG, bytes(range(200))), (SHORT, b"x"))
TEXTS = {
    "server": "bench", "node": "./FUMO/Download", "correlator": "c-1", "url": "http://bench/a", "validator": '"tag"',
    "notify": "http://bench/n", "base": "00112233",
}  # fmt: skip


def _mount(flash):
    return Journal(Region(flash, 0, SECTORS))


def _job():
    job = Job()
    job.phase, job.kind, job.state, job.serial, job.arms, job.digest = DOWNLOAD, 3, 30, 7, 2, b"\x05" * 32
    for name in TEXTS:
        setattr(job, name, TEXTS[name])
    return job


def _same(job, other, texts=tuple(TEXTS)):
    for name in ("phase", "kind", "state", "serial", "arms", "digest", "code", "agreed") + tuple(texts):
        assert getattr(job, name) == getattr(other, name), name


def _kept(journal):
    into = bytearray(256)
    for key, data in UNKNOWN:
        assert journal.get(key, into) == len(data) and into[: len(data)] == data, key


def test_what_a_newer_agent_added_at_the_end_is_no_hindrance():
    flash, job = make_flash(), _job()
    package, outbox = Package(), Outbox(410, 952)
    package.bank, package.digest = 1, b"\x07" * 32
    more = struct.pack("<H", 5) + b"newer" + bytes(60)
    changes = ((JOB, job.pack() + more), (PACKAGE, package.pack() + more), (OUTBOX, outbox.pack() + more))
    _mount(flash).put(changes + UNKNOWN)
    record = Record(_mount(flash))
    _same(record.job, job)
    assert (record.package.bank, record.package.digest) == (1, b"\x07" * 32)
    assert (record.outbox.code, record.outbox.dlota) == (410, 952)


def test_unknown_keys_survive_every_kind_of_write():
    flash = make_flash()
    journal = _mount(flash)
    journal.put(((JOB, _job().pack()),) + UNKNOWN)
    journal.note(SHORT, b"x")
    record = Record(_mount(flash))
    record.finish(412)
    record.attempt()
    for number in range(80):  # more notes than a sector has slots
        record.progress.begin(number, number, 0, bytes(8))
    record.end()
    journal = _mount(flash)
    _kept(journal)
    assert Record(journal).job.phase == IDLE and Record(journal).job.code == 412


def test_unknown_keys_survive_a_power_cut_at_any_operation():
    from tests.portable.boards import cut_everywhere

    flash = make_flash()
    _mount(flash).put(((JOB, _job().pack()),) + UNKNOWN)

    def run():
        Record(_mount(flash)).finish(412)

    def check(number, effect):
        journal = _mount(flash)
        _kept(journal)
        assert Record(journal).job.phase in (DOWNLOAD, REPORT), (number, effect)

    assert cut_everywhere(flash, run, check) > 100


def test_what_an_older_agent_wrote_lacks_its_last_texts():
    job = _job()
    names, whole = values._TEXTS, job.pack()
    for count in range(len(names)):  # the agent that knew the first `count` texts only
        size = struct.calcsize(values._JOB) + sum([2 + len(TEXTS[name]) for name in names[:count]])
        flash = make_flash()
        _mount(flash).put(((JOB, whole[:size]),))
        found = Job.load(_mount(flash))
        _same(found, job, names[:count])
        for name in names[count:]:
            assert getattr(found, name) == getattr(Job(), name), name


def test_an_absent_correlator_and_an_empty_one_come_back_as_they_were():
    for correlator in (None, "", "c"):
        flash, job = make_flash(), _job()
        job.correlator = correlator
        _mount(flash).put(((JOB, job.pack()),))
        assert Job.load(_mount(flash)).correlator == correlator


def test_a_format_that_nobody_knows_is_as_if_absent():
    job, package, outbox = _job(), Package(), Outbox(200, 900)
    package.bank = 1
    for key, data in ((JOB, job.pack()), (PACKAGE, package.pack()), (OUTBOX, outbox.pack())):
        for number in (0, 2, 255):
            flash = make_flash()
            kept = [(JOB, job.pack()), (PACKAGE, package.pack()), (OUTBOX, outbox.pack())]
            kept[key - JOB] = (key, bytes([number]) + data[1:])
            _mount(flash).put(tuple(kept))
            record = Record(_mount(flash))
            assert record.idle == (key == JOB)
            assert record.package.bank == (NO_BANK if key == PACKAGE else 1)
            assert record.outbox.code == (0 if key == OUTBOX else 200)


def test_a_job_of_an_unknown_format_gives_way_to_the_next_order():
    flash = make_flash()
    _mount(flash).put(((JOB, b"\x02" + bytes(300)), (OUTBOX, Outbox(410).pack())) + UNKNOWN)
    record, order = Record(_mount(flash)), _job()
    record.order(order, DOWNLOAD)
    journal = _mount(flash)
    record = Record(journal)
    _same(record.job, order)
    assert record.outbox.code == 0
    _kept(journal)


def test_a_value_of_an_unknown_format_that_is_short_breaks_nothing():
    for data in (b"\x02", b"\xff\xff", b"\x00" * 3):
        flash = make_flash()
        _mount(flash).put(((JOB, data), (PACKAGE, data), (OUTBOX, data)))
        record = Record(_mount(flash))
        assert record.idle and record.package.bank == NO_BANK and not record.outbox.code


def test_the_session_counter_goes_on_behind_a_newer_agent():
    flash = make_flash()
    nonces = Nonces(_mount(flash), b"key")
    nonces.begin(1)
    nonces.begin(2)
    data = bytearray(128)
    journal = _mount(flash)
    size = journal.get(SESSION, data)
    journal.put(((SESSION, bytes(data[:size]) + b"what a newer agent keeps"),))
    again = Nonces(_mount(flash), b"key")
    assert not again.fresh and again.counter == nonces.counter and again.had_session(2)


def test_notes_that_were_lost_are_made_up_for_before_a_planned_reset():
    flash = make_flash()
    _mount(flash).put(())
    first = Nonces(_mount(flash), b"key")  # this mount was not clean: up to a sector of notes may be gone
    record = Record(first._journal)
    record.settle = first.settle
    before = first.counter
    record.planned_reset()
    journal = _mount(flash)
    assert journal.was_clean
    again = Nonces(journal, b"key")
    again.begin(1)
    assert again.counter > before + 63, "a counter that may have been used"


def test_progress_in_another_form_means_from_the_start():
    flash = make_flash()
    journal = _mount(flash)
    progress = Progress(journal)
    progress.begin(5000, 4096, 0, b"\x01" * 8)
    data = progress.packed() + b"more"
    journal.put(((4, data),))
    progress = Progress(_mount(flash))
    assert (progress.package_at, progress.image_at) == (0, 0)


def test_a_tally_counts_the_large_blocks_of_a_delta():
    flash, digest = make_flash(), b"\x05" * 32
    progress = Progress(_mount(flash))
    progress.begin(100, 0, 8192, digest)
    for sectors in (64, 1, 3):
        progress.block_done(500, sectors * 4096)
    found = Progress(_mount(flash))
    assert (found.package_at, found.image_at) == (1600, 68 * 4096)
