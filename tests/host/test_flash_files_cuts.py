"""A whole update on a flash that is files, with the power cut at every file, and again and again at random ones."""

import pytest

from tests.powercut import file_schedules, files


@pytest.mark.parametrize("name", file_schedules.WORLDS)
def test_every_cut(name):
    explorer = files.explorer(name)
    operations = files.every_cut(explorer, name)
    assert not explorer.violations, explorer.violations[:3]
    assert operations > 20 and explorer.schedules == 3 * operations and explorer.checks > explorer.schedules
    assert explorer.world.good == "" or explorer.ended_good > operations


@pytest.mark.parametrize("name", ["tiny/none/good", "tiny/none/supersede"])
def test_many_cuts_in_a_row(name):
    explorer = files.explorer(name)
    for seed in range(200):
        files.random_cuts(explorer, name, seed)
    assert not explorer.violations, explorer.violations[:3]
    assert explorer.schedules > 80


def test_what_is_gathered_is_lost_at_a_cut_and_what_was_read_after_it_is_not():
    """The chip of this test itself."""
    chip = files.explorer("tiny/none/good").flash
    at = chip.size - files.UNIT
    chip.program(at, b"lost")
    chip.power_on(lambda: None)
    assert not chip.ops
    chip.program(at, b"gathered")
    before = chip.snapshot()
    found = bytearray(8)
    chip.read(at, found)
    assert found == b"gathered"
    chip.power_on(lambda: None)
    chip.read(at, found)
    assert found == b"gathered"
    chip.restore(before)
    chip.read(at, found)
    assert found == b"\xff" * 8
