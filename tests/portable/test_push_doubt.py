"""A push after one that a cut ended: what that one left in doubt stays so, wherever the next cut comes."""

from agent.record import Record
from agent.resume import resume
from tests.dm.firmware import new_flash
from tests.portable.boards import cut_everywhere
from tests.portable.test_push import DEFLATED, MANIFEST_END, device, feed


class _Boot:
    """Nothing is on trial."""

    def running(self):
        return 0

    confirmed = ran_before = running


def test_a_second_push_does_not_forget_what_the_first_left_in_doubt():
    flash = new_flash()
    first = device(flash)
    first.record.progress.begin(600, 0, 65536, b"\x05" * 32)  # a cut ended it in an erase
    calm = flash.ops  # before the bank is touched

    def run():
        fw = device(flash)
        feed(fw.make_push(), DEFLATED[: MANIFEST_END + 400])

    def check(number, effect):
        record = Record(device(flash).journal)
        resume(record, _Boot(), 0, None)
        assert record.package.dirty_from == 0, (number, effect)

    assert calm and cut_everywhere(flash, run, check) > 30
