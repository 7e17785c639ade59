"""What a boot makes of a push that was cut, and of a running image that is held."""

from agent.job import CLEAN, DOWNLOAD_ONLY, Job
from agent.journal import Journal
from agent.record import Record
from agent.resume import resume
from ports.sim.clock import Clock
from ports.sim.nor import Nor
from tests.portable.boards import SMALL


class _Boot:
    def running(self):
        return 0

    confirmed = running

    def ran_before(self):
        return -1

    def tried(self, bank, attempt):
        return False


def _region():
    from hal.region import carve

    flash = Nor(SMALL, Clock())
    return carve(flash, (("journal", 0, 12288),))["journal"]


def test_a_push_that_was_cut_leaves_its_mark():
    region = _region()
    record = Record(Journal(region))
    record.begin_push()
    record.progress.begin(500, 8192, 16384, b"d" * 32)
    record = Record(Journal(region))
    resume(record, _Boot(), 1, lambda digest: False)
    assert record.package.dirty_from == 8192
    job = Job()
    job.kind = DOWNLOAD_ONLY
    record.order(job, 2)
    assert Record(Journal(region)).package.dirty_from == 8192


def test_the_running_image_stays_held():
    region = _region()
    record = Record(Journal(region))
    record.package.dirty_from = 4096
    record.hold(0, b"d" * 32, False)
    record = Record(Journal(region))
    resume(record, _Boot(), 1, lambda digest: True)
    assert record.package.bank == 0 and record.job.state == 50 and record.package.dirty_from == 4096
    record.hold(1, b"e" * 32)
    assert Record(Journal(region)).package.dirty_from == CLEAN
