"""The small driver of a first stage: it reads and writes as the whole one does, and refuses what that one refuses."""

from agent.errors import FlashError
from hal.nor_small import NorSpi
from tests.portable.check import raises
from tests.portable.chips import Bench

W25Q128 = b"\xef\x40\x18"


def make(name="W25Q128", wanted=W25Q128, change=None):
    """Return (driver, chip)."""
    bench = Bench(name)
    chip = bench.chip
    if change:
        change(chip)
    return NorSpi(chip, bench.clock, bench.feed, wanted), chip


def test_what_is_written_reads_back():
    flash, _ = make()
    data = bytearray(300)
    flash.erase(8192, 4096)
    flash.program(8192 + 10, b"boot record")
    flash.read(8192, data)
    assert flash.size == 16777216 and data[10:21] == b"boot record" and data[21:] == b"\xff" * 279
    flash.erase(8192, 4096)
    flash.read(8192, data)
    assert data == b"\xff" * 300


def test_it_waits_for_what_another_driver_has_begun():
    flash, chip = make()
    data = bytearray(16)
    flash.program(4096, bytes(16))
    flash.wait()
    chip.command(b"\x06")
    chip.command(b"\x20\x10\x00\x00")
    flash.read(4096, data)  # a chip at work gives ff; this one is asked first
    assert data == bytes(16)


def test_another_chip_is_refused():
    with raises(FlashError):
        make("W25Q64", W25Q128)


def test_a_silent_bus_is_told():
    for fault in ("ff", "00"):

        def break_it(chip, fault=fault):
            chip.fault = fault

        with raises(FlashError) as caught:
            make(change=break_it)
        assert "no flash answers" in str(caught.error), fault


def test_a_chip_that_stays_busy_or_protected_is_told():
    def stick(chip):
        chip.fault = "stuck"

    def refuse(chip):
        chip.fault = "no-wel"

    with raises(FlashError):
        make(change=stick)
    flash, _ = make(change=refuse)
    with raises(FlashError):
        flash.erase(0, 4096)


def test_protection_is_lifted():
    def protect(chip):
        chip.registers = 0x1C

    flash, _ = make(change=protect)
    flash.program(0, b"x")
    data = bytearray(1)
    flash.read(0, data)
    assert data == b"x"
