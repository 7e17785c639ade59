"""A board with everything in one chip, before its spare bank is written: the boot record is there, firm, and in one place only."""

from agent.errors import FlashError
from hal.boot_record import CONFIRMED, BootRecord
from hal.region import carve
from hal.single_chip import assemble, layout_of
from tests.portable.boards import make_flash
from tests.portable.check import raises


class _Port:
    class watchdog:
        timeout_ms = 8000


class _Wrapped:
    """A flash that answers at all addresses with a sixteenth of its cells."""

    def __init__(self, flash):
        self._flash = flash
        self.size, self.page, self.program_unit = flash.size, flash.page, flash.program_unit
        self.erase_units, self.blocking = flash.erase_units, flash.blocking

    def read(self, addr, into):
        self._flash.read(addr % (self.size // 16), into)

    def program(self, addr, data):
        self._flash.program(addr % (self.size // 16), data)

    def erase(self, addr, size):
        self._flash.erase(addr % (self.size // 16), size)

    def busy(self):
        return self._flash.busy()


def _hardware(flash):
    return assemble(_Port, flash, layout_of(flash.size), object())


def _records(flash):
    """Return how many sectors of the boot record hold one."""
    region, found, head = carve(flash, layout_of(flash.size))["boot"], 0, bytearray(4)
    for sector in range(3):
        region.read(sector * 4096, head)
        found += head == b"FUB1"
    return found


def test_a_chip_without_a_boot_record_gets_one_of_the_bank_that_runs():
    for running in (0, 1):
        flash = make_flash()
        hardware = _hardware(flash)
        assert hardware.boot.probe() == -1
        hardware.boot.run(running)
        hardware.check_flash()
        boot = BootRecord(carve(flash, layout_of(flash.size))["boot"])
        assert (boot.found, boot.state, boot.confirmed()) == (True, CONFIRMED, running)
        assert _records(flash) == 2


def test_a_chip_that_shows_the_record_twice_is_refused():
    flash = _Wrapped(make_flash())
    with raises(FlashError) as refused:
        _hardware(flash).check_flash()
    assert "smaller than the layout" in str(refused.error)


def test_a_record_that_stands_alone_is_made_firm():
    flash = make_flash()
    _hardware(flash).check_flash()
    region = carve(flash, layout_of(flash.size))["boot"]
    region.erase(BootRecord(region).probe(), 4096)
    assert _records(flash) == 1
    _hardware(flash).check_flash()
    assert _records(flash) == 2
