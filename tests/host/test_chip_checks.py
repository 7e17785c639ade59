"""flash_tools/chips/checks.py: tests that a good chip passes, each bad one fails in the right place, and nothing is lost."""

import pytest

from agent.errors import FlashError
from flash_tools.chips import Chip, checks
from flash_tools.chips.spi import SpiFlash
from flash_tools.target import Target
from hal.boot_record import BootRecord
from hal.region import Region
from ports.sim.clock import Clock
from ports.sim.spi_chip import SpiChip
from tests.host.counted_flash import K
from tests.portable.chips import part

LAYOUT = (
    ("boot", 0, 12 * K), ("header0", 24 * K, 4 * K), ("header1", 28 * K, 4 * K),
    ("bank0", 64 * K, 256 * K), ("bank1", 1024 * K, 256 * K), ("spare", 1536 * K, 64 * K),
)  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def make(boot=True, **faults):
    """Return (Chip, SpiChip) of a part that misbehaves from the moment it has been identified."""
    clock = Clock()
    model = SpiChip(part("W25Q16JV"), clock)
    model.wrap = faults.pop("wrap", 0)
    flash = SpiFlash(model, clock)
    chip = Chip(Target("spi", "x"), flash)
    chip._found, chip.sfdp = LAYOUT, flash.tables()
    if boot:
        BootRecord(Region(flash, 0, 12 * K)).confirm()
    for name, value in faults.items():
        setattr(model, name, value)
    return chip, model


def results(chip):
    return {check.name: check.ok for check in checks.reading(chip)}


def test_a_good_chip_passes_and_nothing_is_written():
    chip, model = make()
    before = {number: bytes(data) for number, data in model.sectors.items()}
    assert results(chip) == {"id": True, "status": True, "tables": True, "reads": True, "addresses": True}
    assert {number: bytes(data) for number, data in model.sectors.items()} == before


def test_the_write_test_puts_back_what_was_there():
    chip, model = make()
    chip.flash.program(1536 * K + 60 * K, b"precious")
    before = bytes(chip_cells(chip))
    assert checks.write_test(chip).ok and checks.write_test(chip, "spare").ok
    assert chip_cells(chip) == before


def chip_cells(chip):
    cells = bytearray(chip.flash.size)
    chip.flash.read(0, cells)
    return cells


def test_an_id_that_wavers():
    chip, model = make()
    answer, count = model._answer, [0]

    def waver(head, size):
        count[0] += head[0] == 0x9F
        return b"\xef\x40\x14" if head[0] == 0x9F and count[0] == 57 else answer(head, size)

    model._answer = waver
    assert results(chip)["id"] is False


@pytest.mark.parametrize("registers", [0x1C, 2])
def test_a_status_that_should_not_be(registers):
    chip, model = make()
    model.registers = registers
    assert results(chip)["status"] is False


def test_tables_of_another_chip():
    chip, _ = make()
    chip.sfdp = part("W25Q128").sfdp
    assert results(chip)["tables"] is False
    chip.sfdp = None
    assert results(chip)["tables"] is None


def test_reads_that_waver():
    chip, model = make()
    answer, count = model._answer, [0]

    def waver(head, size):
        found = bytearray(answer(head, size))
        count[0] += head[0] == 3 and size > 1000
        if head[0] == 3 and size > 1000 and count[0] % 2:
            found[77] ^= 4
        return bytes(found)

    model._answer = waver
    assert results(chip)["reads"] is False


@pytest.mark.parametrize("wrap", [1 << 20, 256 * K, 128 * K])
def test_a_chip_that_is_smaller_than_it_says(wrap):
    chip, _ = make(wrap=wrap)
    assert results(chip)["addresses"] is False
    assert checks.write_test(chip).ok is False


def test_without_a_boot_record_the_write_test_finds_an_alias():
    chip, _ = make(boot=False)
    assert results(chip)["addresses"] is None and checks.write_test(chip).ok is None
    assert checks.write_test(chip, "spare").ok
    chip, _ = make(boot=False, wrap=1 << 20)
    found = checks.write_test(chip, "spare")
    assert found.ok is False and "second address" in found.text


@pytest.mark.parametrize("name", ["bank0", "boot", "nothing"])
def test_the_write_test_keeps_away_from_what_is_used(name):
    chip, model = make()
    before = bytes(chip_cells(chip))
    assert checks.write_test(chip, name).ok is None
    assert chip_cells(chip) == before


def test_no_spare_sector():
    chip, _ = make()
    chip.flash.program(1024 * K + 252 * K, b"\x00")
    assert checks.write_test(chip).ok is None
    chip, _ = make()
    BootRecord(Region(chip.flash, 0, 12 * K)).set_trial(1, 1)
    assert checks.write_test(chip).ok is None


def test_cells_that_do_not_hold():
    chip, model = make()
    clear = model._clear
    model._clear = lambda addr, byte: clear(addr, byte & 0xFE if 9 <= addr % 4096 < 80 else byte)
    found = checks.write_test(chip, "spare")
    assert found.ok is False and "does not hold" in found.text
    chip, model = make()
    model.fault = "no-wel"
    assert checks.write_test(chip, "spare").ok is False


@pytest.mark.parametrize("error", [FlashError("dead"), KeyboardInterrupt()])
def test_an_error_in_the_middle_puts_back_what_was_there(error):
    chip, _ = make()
    chip.flash.program(1536 * K + 60 * K, b"precious")
    before, program, count = bytes(chip_cells(chip)), chip.flash.program, [0]

    def fail_once(addr, data):
        count[0] += 1
        if count[0] == 5:
            raise error
        program(addr, data)

    chip.flash.program = fail_once
    if isinstance(error, FlashError):
        assert checks.write_test(chip, "spare") == checks.Check("write", False, "dead")
    else:
        with pytest.raises(KeyboardInterrupt):
            checks.write_test(chip, "spare")
    assert chip_cells(chip) == before
