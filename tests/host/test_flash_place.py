"""What must not be written (flash_place.py), ranges, and reading that goes on where it was cut (flash_read.py)."""

import pytest

from flash_tools.errors import ToolError, UsageError
from flash_tools.flash import flash_job, flash_place, flash_plan, flash_read
from flash_tools.flash.flash_place import Place
from hal.boot_record import BootRecord
from hal.region import Region
from tests.host.counted_flash import BANK, SIZE, K, cells, data_of, opened


@pytest.fixture
def chip(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with opened(tmp_path) as chip:
        yield chip


# -- what must not be written -----------------------------------------------------------------------------------------


def boot(chip, confirmed=0):
    record = BootRecord(Region(chip.flash, 0, 12 * K), confirmed)
    record.confirm()
    return record


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bank0", "confirmed"),
        ("header0", "confirmed"),
        ("boot", "lives by"),
        ("journal", "lives by"),
        ("all", "reaches"),
    ],
)
def test_what_a_device_lives_by_is_refused(chip, name, said):
    boot(chip)
    place = flash_place.find(chip, name)
    with pytest.raises(UsageError, match=said):
        flash_place.guard(chip, place)
    flash_place.guard(chip, place, force=True)


def test_the_other_bank_and_free_regions_may_be_written(chip):
    record = boot(chip)
    for name in ("bank1", "header1", "spare", "factory"):
        flash_place.guard(chip, flash_place.find(chip, name))
    assert flash_place.other_bank(chip) == "bank1"
    record.set_trial(1, 3)
    for name in ("bank1", "header1"):
        with pytest.raises(UsageError, match="on trial"):
            flash_place.guard(chip, flash_place.find(chip, name))
    chip.flash.program(32 * K, b"FUF1")
    with pytest.raises(UsageError, match="lives by"):
        flash_place.guard(chip, flash_place.find(chip, "factory"))


def test_ranges(chip):
    boot(chip)
    assert flash_place.find(chip, None, "0x80000:8K") == Place("0x80000:8K", 512 * K, 8 * K)
    assert flash_place.find(chip, None, "512K:0x10").size == 16
    for text in ("", "x", "1:", "0:-1", "-4096:4096", "1M:4096", "0:2M", "4096"):
        with pytest.raises(UsageError):
            flash_place.find(chip, None, text or ":")
    for text, said in (("0x11000:4K", "reaches into bank0"), ("0xc0001:4K", "whole sectors"), ("0xc0000:5", "whole")):
        with pytest.raises(UsageError, match=said):
            flash_place.guard(chip, flash_place.find(chip, None, text))
    with pytest.raises(UsageError, match="whole"):
        flash_place.guard(chip, flash_place.find(chip, None, "0xc0001:4K"), force=True)
    with pytest.raises(UsageError, match="it has boot, journal"):
        flash_place.find(chip, "bank7")


def test_a_chip_that_is_smaller_than_it_says_is_not_written(chip):
    boot(chip)
    newest = BootRecord(Region(chip.flash, 0, 12 * K)).probe()
    chip.flash._flash.program(newest + SIZE // 2, cells(chip, newest, 256))
    with pytest.raises(ToolError, match="second address"):
        flash_place.guard(chip, flash_place.find(chip, "spare"))


# -- reading ----------------------------------------------------------------------------------------------------------


def cut_read(chip, path, blocks):
    seen = []

    def stop(what, done, total):
        seen.append(done)
        if len(seen) > blocks:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flash_read.read(chip, BANK, path, stop)


def test_a_cut_read_goes_on(chip, tmp_path):
    data, path = data_of(1, 256 * K), tmp_path / "out.bin"
    flash_job.write(chip, BANK, data)
    cut_read(chip, path, 2)
    assert not path.exists() and (tmp_path / "out.bin.part").stat().st_size == 128 * K
    taken = flash_read.read(chip, BANK, path)
    assert taken.resumed == 128 * K and path.read_bytes() == data
    assert taken.sha256 == flash_plan.hashlib.sha256(data).hexdigest()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["chip.bin", "out.bin"] or (tmp_path / "state").exists()


@pytest.mark.parametrize("damage", ["part", "about", "chip", "none"])
def test_a_part_that_is_not_of_this_chip_is_read_anew(chip, tmp_path, damage):
    data, path = data_of(1, 256 * K), tmp_path / "out.bin"
    flash_job.write(chip, BANK, data)
    cut_read(chip, path, 2)
    part = tmp_path / "out.bin.part"
    if damage == "part":
        part.write_bytes(b"x" + part.read_bytes()[1:])
    elif damage == "about":
        (tmp_path / "out.bin.part.json").write_text("{")
    elif damage == "chip":
        data = data_of(2, 256 * K)
        flash_job.write(chip, BANK, data)
    assert flash_read.read(chip, BANK, path).resumed == (128 * K if damage == "none" else 0)
    assert path.read_bytes() == data


def test_a_part_of_another_place_is_not_gone_on_with(chip, tmp_path):
    path = tmp_path / "out.bin"
    flash_job.write(chip, BANK, data_of(1, 256 * K))
    cut_read(chip, path, 2)
    assert flash_read.read(chip, Place("shorter", BANK.start, 64 * K), path).resumed == 0
    assert path.read_bytes() == data_of(1, 256 * K)[: 64 * K]
