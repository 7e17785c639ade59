"""Hold every implementation to its contract: names and argument names by inspection, Flash also by what it does."""

import functools
import importlib
import importlib.util
import inspect

import pytest

from agent.errors import FlashError
from hal import contracts

IMPLEMENTATIONS = (
    ("hal.region.Region", "Flash"),
    ("ports.sim.nor.Nor", "Flash"),
    ("hal.nor_spi.NorSpi", "Flash"),
    ("ports.sim.spi_chip.SpiChip", "SpiLink"),
    ("ports.sim.clock.Clock", "Clock"),
    ("ports.sim.watchdog.Watchdog", "Watchdog"),
    ("hal.boot_record.BootRecord", "BootControl"),
    ("hal.first_stage.CrashMarks", "CrashCounter"),
    ("agent.journal.Journal", "Journal"),
)
SIZE, SECTOR = 128 * 1024, 4096


def find(path):
    """Return the class at a dotted path; skip where its module does not exist."""
    module, name = path.rsplit(".", 1)
    if importlib.util.find_spec(module) is None:
        pytest.skip("there is no " + module)
    return getattr(importlib.import_module(module), name)


def differences(implementation, contract):
    """Return what of the contract's methods the implementation lacks or takes under other names."""
    found = []
    for name, wanted in inspect.getmembers(contract, inspect.isfunction):
        method = getattr(implementation, name, None)
        if method is None:
            found.append("no " + name)
            continue
        has, needs = _parameters(method), _parameters(wanted)
        added = [p.name for p in has[len(needs) :] if p.default is p.empty]
        if [(p.name, p.default) for p in has[: len(needs)]] != [(p.name, p.default) for p in needs] or added:
            found.append("%s%s is not %s" % (name, inspect.signature(method), inspect.signature(wanted)))
    return found


def _parameters(function):
    return list(inspect.signature(function).parameters.values())


@pytest.mark.parametrize(("path", "contract"), IMPLEMENTATIONS, ids=[path for path, _ in IMPLEMENTATIONS])
def test_names_and_arguments(path, contract):
    assert differences(find(path), getattr(contracts, contract)) == []


def test_the_comparison_catches():
    class Renamed:
        def feed(self, now):
            pass

    class Defaulted:
        def command(self, head, data):
            pass

        def query(self, head, into):
            pass

    assert differences(object, contracts.Watchdog) == ["no feed"]
    assert len(differences(Renamed, contracts.Watchdog)) == 1
    assert len(differences(Defaulted, contracts.SpiLink)) == 1


# -- what a Flash does ------------------------------------------------------------------------------------------------


def build_nor():
    """Return the strict model of a chip, just powered on."""
    clock, nor = find("ports.sim.clock.Clock"), find("ports.sim.nor.Nor")
    geometry = find("ports.sim.nor.Geometry")
    units = ((SECTOR, 45000, 400000), (32768, 120000, 1600000))
    chip = nor(geometry("test", SIZE, units, (700, 3000), (30, 3)), clock())
    chip.power_on(lambda: None)
    return chip


def build_region():
    """Return a part of the chip that begins in its middle."""
    return find("hal.region.Region")(build_nor(), SIZE // 2, SIZE // 2)


def build_nor_spi(name):
    """Return the driver over the model of one chip."""
    return find("tests.portable.chips.Bench")(name).nor


BUILDERS = {"nor": build_nor, "region": build_region}
if importlib.util.find_spec("tests.portable.chips"):
    for chip_name in importlib.import_module("tests.portable.chips").names():
        BUILDERS["nor_spi " + chip_name] = functools.partial(build_nor_spi, chip_name)


@pytest.fixture(params=sorted(BUILDERS))
def flash(request):
    return BUILDERS[request.param]()


def refusals():
    """Return what a Flash may raise: the product's error, or the strict model's that no handler catches."""
    return (FlashError, find("ports.sim.power.Violation"))


def read(flash, addr, size):
    """Return what the flash holds."""
    into = bytearray(size)
    flash.read(addr, into)
    return bytes(into)


def test_it_tells_its_geometry(flash):
    assert flash.size % flash.erase_units[0][0] == 0
    assert list(flash.erase_units) == sorted(flash.erase_units)
    assert all(size & (size - 1) == 0 and max_ms > 0 for size, max_ms in flash.erase_units)
    assert flash.page % flash.program_unit == 0 and flash.erase_units[0][0] % flash.page == 0
    assert flash.blocking in (True, False)


def test_erase_sets_all_bits_and_only_there(flash):
    sector = flash.erase_units[0][0]
    for addr in (0, sector, 2 * sector):
        flash.erase(addr, sector)
        flash.program(addr, bytes(flash.page))
    flash.erase(sector, sector)
    assert read(flash, sector, sector) == b"\xff" * sector
    assert read(flash, 0, flash.page) == read(flash, 2 * sector, flash.page) == bytes(flash.page)


def test_every_erase_unit_works(flash):
    for size, _ in flash.erase_units:
        flash.program(size - flash.page, bytes(flash.page))
        flash.erase(0, size)
        assert read(flash, 0, size) == b"\xff" * size


def test_program_reads_back(flash):
    data = bytes(i & 0xFF for i in range(flash.page))
    flash.program(flash.page, data)
    assert read(flash, flash.page, flash.page) == data
    assert read(flash, flash.page - 1, 1) == read(flash, 2 * flash.page, 1) == b"\xff"


def test_programming_over_data_can_only_clear_bits(flash):
    if flash.program_unit > 1:
        pytest.skip("programs a place once between two erases")
    flash.program(0, b"\xf0")
    flash.program(0, b"\x30")
    assert read(flash, 0, 1) == b"\x30"
    try:
        flash.program(0, b"\x0f")
    except refusals():
        return
    assert read(flash, 0, 1) == b"\x00"


def test_it_ends_being_busy(flash):
    flash.erase(0, flash.erase_units[0][0])
    for _ in range(1000000):
        if not flash.busy():
            return
    raise AssertionError("still busy")


def test_a_program_across_pages_is_refused(flash):
    with pytest.raises(refusals()):
        flash.program(flash.page - 1, b"\x00\x00")
    assert read(flash, flash.page - 1, 2) == b"\xff\xff"


def test_an_unaligned_or_odd_erase_is_refused(flash):
    sector = flash.erase_units[0][0]
    for addr, size in ((1, sector), (flash.page, sector), (0, sector // 2), (0, 3 * sector)):
        with pytest.raises(refusals()):
            flash.erase(addr, size)


def test_out_of_range_is_refused(flash):
    sector = flash.erase_units[0][0]
    for addr in (-sector, flash.size, flash.size + sector):
        with pytest.raises(refusals()):
            flash.read(addr, bytearray(16))
        with pytest.raises(refusals()):
            flash.program(addr, b"\x00")
        with pytest.raises(refusals()):
            flash.erase(addr, sector)
    with pytest.raises(refusals()):
        flash.read(flash.size - 8, bytearray(16))
