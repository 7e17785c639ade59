"""A chip that misbehaves for a while: nothing bricks, and the update ends, or is given up with its code, when it answers again."""

from ports.sim.device import IDLE, RESET
from tests.data import vectors
from tests.portable.test_update import make_device


def _with_fault(start_fault):
    """Return a device whose chip gets the fault once, in the middle of the download."""
    device = make_device(vectors.PACKAGES["none"])
    satisfied, begun = device.server.satisfied, []

    def watched(update):
        if not begun and update.record.progress.image_at >= 4096:
            begun.append(1)
            start_fault(device.flash.faults)
        return satisfied(update)

    device.server.satisfied = watched
    return device


def _end(device, most=30):
    for _ in range(most):
        if device.boot() == IDLE:
            return [code for _, code, _ in device.server.reports]
    assert False, "no end"


def test_reads_that_fail_once_are_survived():
    for count in (1, 3, 9):
        device = _with_fault(lambda faults, count=count: setattr(faults, "read_errors", count))
        codes = _end(device)
        assert codes in ([200], [410]) and device.version == ("2" if codes == [200] else "1"), count


def test_reads_that_flip_bits_are_survived():
    for count in (1, 2, 5):
        device = _with_fault(lambda faults, count=count: setattr(faults, "rot", count))
        codes = _end(device)
        assert codes in ([200], [402], [410]), (count, codes)
        assert device.version == ("2" if codes == [200] else "1"), count


def test_a_chip_that_is_busy_for_ever_resets_until_it_answers_again():
    device = _with_fault(lambda faults: setattr(faults, "stuck", True))
    for _ in range(4):
        assert device.boot() == RESET
    device.flash.faults.stuck = False
    assert _end(device) in ([200], [410])


def test_a_broken_sector_in_the_records_is_survived():
    for sector in range(6):
        for kind in ("program", "erase"):
            device = make_device(vectors.PACKAGES["none"])
            device.flash.faults.bad = {sector: kind}
            assert _end(device) == [200], (sector, kind)
