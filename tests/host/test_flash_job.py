"""flash_tools/flash/flash_job.py: what is written and what is left alone, cuts anywhere, cells that do not hold."""

import random

import pytest

from agent.errors import FlashError
from flash_tools.chips import Chip
from flash_tools.errors import ToolError, VerifyError
from flash_tools.flash import flash_job
from flash_tools.flash.flash_notes import Notes
from flash_tools.flash.flash_place import Place
from flash_tools.target import Target
from tests.host.counted_flash import BANK, LAYOUT, SIZE, K, cells, data_of, opened
from tests.portable.chips import Bench


@pytest.fixture
def chip(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with opened(tmp_path) as chip:
        yield chip


def test_a_blank_chip_is_never_erased_and_blank_pages_are_never_programmed(chip):
    data = b"\xff" * 4096 + data_of(1, 256) + b"\xff" * 8000 + data_of(2, 10)
    done = flash_job.write(chip, BANK, data)
    assert chip.flash.erased() == [] and len(chip.flash.ops) == 2
    assert cells(chip, BANK.start, len(data)) == data and done.verified
    chip.flash.ops.clear()
    assert flash_job.write(chip, BANK, data).skipped == 16 * K
    assert chip.flash.ops == []


def test_erases_take_the_largest_units(chip):
    flash_job.write(chip, BANK, data_of(1, 200 * K))
    done = flash_job.write(chip, BANK, data_of(2, 200 * K))
    assert chip.flash.erased() == [65536, 65536, 65536, 4096, 4096] and done.erases == {4096: 2, 65536: 3}
    assert done.skipped == 0 and done.programmed == 200 * K and done.seconds > 0


def test_only_what_differs_is_touched(chip):
    data = bytearray(data_of(1, 256 * K))
    flash_job.write(chip, BANK, bytes(data))
    chip.flash.ops.clear()
    data[100 * K] ^= 0xFF
    assert flash_job.write(chip, BANK, bytes(data)).skipped == 252 * K
    assert chip.flash.erased() == [4096] and {addr // 4096 for _, addr, _ in chip.flash.ops} == {(512 + 100) // 4}


def test_what_lies_around_stays_and_every_pattern_comes_out_right(chip):
    chance = random.Random(5)
    whole = bytearray(data_of(3, SIZE))
    flash_job.write(chip, Place("all", 0, SIZE), bytes(whole))
    for _ in range(25):
        sectors = chance.randrange(1, 40)
        place = Place("x", chance.randrange(256 - sectors) * 4096, sectors * 4096)
        data = bytearray(whole[place.start : place.end])
        for _ in range(chance.randrange(1, sectors + 1)):
            at = chance.randrange(sectors) * 4096
            data[at : at + 4096] = chance.choice((b"\xff" * 4096, chance.randbytes(4096)))
        whole[place.start : place.end] = data
        flash_job.write(chip, place, bytes(data))
        assert cells(chip) == whole


def test_a_cut_at_any_operation_is_finished_by_the_next_run(chip):
    old, new = data_of(1, 80 * K), data_of(2, 80 * K)
    flash_job.write(chip, BANK, old)
    chip.flash.ops.clear()
    flash_job.write(chip, BANK, new)
    count = len(chip.flash.ops)
    for stop in range(1, count + 1, 7):
        flash_job.write(chip, BANK, old)
        chip.flash.ops.clear()
        chip.flash.stop_at = stop
        with pytest.raises(KeyboardInterrupt):
            flash_job.write(chip, BANK, new)
        chip.flash.stop_at = 0
        notes = Notes(chip.target)
        assert notes.job == "write bank1" and notes.path.exists()
        flash_job.write(chip, BANK, new)
        assert cells(chip, BANK.start, len(new)) == new and not notes.path.exists()


def test_a_unit_that_was_cut_is_erased_again_even_if_it_reads_right(chip):
    flash_job.write(chip, BANK, data_of(1, 64 * K))
    new = data_of(2, 64 * K)
    chip.flash.lies = {BANK.start + 5: 99}  # nothing reads back: the run ends before it could trust the unit
    with pytest.raises(VerifyError):
        flash_job.write(chip, BANK, new)
    chip.flash.lies = {}
    assert cells(chip, BANK.start, len(new)) == new
    chip.flash.ops.clear()
    flash_job.write(chip, BANK, new)
    assert chip.flash.erased() == [65536]
    chip.flash.ops.clear()
    flash_job.write(chip, BANK, new)
    assert chip.flash.ops == []


def test_another_job_leaves_the_doubt_alone(chip):
    Notes(chip.target).suspect(BANK.start, BANK.start + 8192)
    flash_job.write(chip, Place("spare", 768 * K, 64 * K), data_of(1, 4096))
    assert Notes(chip.target).doubtful == [(BANK.start, BANK.start + 8192)]
    flash_job.erase(chip, Place("x", BANK.start, 4096))
    assert Notes(chip.target).doubtful == [(BANK.start + 4096, BANK.start + 8192)]
    assert chip.flash.erased() == [4096]


def test_reading_back_finds_cells_that_do_not_hold(chip):
    data = data_of(1, 8192)
    chip.flash.lies = {BANK.start + 5000: 1000}
    with pytest.raises(VerifyError, match="0x81000"):
        flash_job.write(chip, BANK, data)
    chip.flash.lies = {BANK.start + 5000: 1}  # a disturbed read is taken again
    flash_job.erase(chip, BANK)
    chip.flash.lies = {BANK.start + 5000: 1000}
    assert not flash_job.write(chip, BANK, data, verify=False).verified


def test_verify_says_where(chip):
    data = data_of(1, 10000)
    flash_job.write(chip, BANK, data)
    flash_job.verify(chip, BANK, data)
    for at, said in ((0, "1 of 3 sectors differ, the first one at 0x80000"), (9999, "1 of 3.*0x82000")):
        wrong = bytearray(data)
        wrong[at] ^= 1
        with pytest.raises(VerifyError, match=said):
            flash_job.verify(chip, BANK, bytes(wrong))


def test_sizes_that_do_not_fit(chip):
    for data, said in ((b"", "empty"), (bytes(256 * K + 1), "does not fit")):
        for act in (flash_job.write, flash_job.verify, flash_job.plan):
            with pytest.raises(ToolError, match=said):
                act(chip, BANK, data)
    assert chip.flash.ops == []


def test_a_plan_writes_nothing(chip):
    todo = flash_job.plan(chip, BANK, data_of(1, 70 * K))
    assert (todo.programmed, todo.skipped, todo.erases) == (72 * K, 0, {}) and chip.flash.ops == []
    assert flash_job.summary(chip, BANK, todo, False).seconds == pytest.approx(72 * K / 256 * 0.0007, abs=0.1)


def test_a_real_chip_through_its_commands(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    nor = Bench("W25Q16JV").nor
    chip = Chip(Target("spi", "x"), nor)
    chip._found = LAYOUT
    flash_job.write(chip, BANK, data_of(1, 100 * K))
    flash_job.write(chip, BANK, data_of(2, 100 * K))
    flash_job.verify(chip, BANK, data_of(2, 100 * K))


def test_a_flash_that_fails_leaves_the_notes(chip):
    flash_job.write(chip, BANK, data_of(1, 64 * K))

    def broken(addr, size):
        raise FlashError("dead")

    chip.flash.erase = broken
    with pytest.raises(FlashError):
        flash_job.write(chip, BANK, data_of(2, 64 * K))
    assert Notes(chip.target).in_doubt(BANK.start, 1)
