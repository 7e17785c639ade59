"""An EEPROM behind I2C: pages, its silence while it writes, and who a device is read out of it."""

import json
import struct

from agent import factory
from agent.compat import crc32
from agent.errors import FlashError
from hal.eeprom_i2c import COUNTER_SIZE, Eeprom, EepromRegion, identity_region
from ports.sim.clock import Clock
from ports.sim.power import PowerCut
from tests.portable.check import raises
from tests.portable.i2c_chips import EFFECTS, EepromChip


def make(size=4096, page=32, **more):
    clock = Clock()
    chip = EepromChip(clock, size, page, **more)
    return chip, Eeprom(chip, clock, size, page)


def read(eeprom, addr, size):
    data = bytearray(size)
    eeprom.read(addr, data)
    return data


def test_what_is_written_is_read_whatever_the_alignment():
    for page in (8, 32, 64, 256):
        chip, eeprom = make(2048, page)
        for start in (0, 1, page - 1, page, 500):
            data = bytes([(start + i * 3) & 0xFF for i in range(page * 3 + 5)])
            before = bytes(chip.cells)
            eeprom.write(start, data)
            assert read(eeprom, start, len(data)) == data, (page, start)
            assert chip.cells[:start] == before[:start]
            assert chip.cells[start + len(data) :] == before[start + len(data) :]
        assert read(eeprom, 0, 2048) == chip.cells


def test_a_write_is_over_when_it_returns():
    chip, eeprom = make()
    eeprom.write(64, b"\x5a" * 40)
    into = bytearray(1)
    chip.read(64, into)  # a chip that still wrote would not answer
    assert into == b"\x5a" and 10000 <= chip.clock.us < 20000


def test_fram_has_no_pauses():
    chip, eeprom = make(write_us=0)
    eeprom.write(0, bytes(256))
    assert chip.clock.us < 2000


def test_a_chip_that_was_writing_when_the_board_was_reset_is_waited_for():
    chip, eeprom = make()
    chip.write(0, b"\x01")
    assert read(Eeprom(chip, chip.clock), 0, 1) == b"\x01"


def test_a_chip_that_does_not_answer_is_given_up_in_time():
    chip, eeprom = make()
    chip.silent = True
    for do in (lambda: read(eeprom, 0, 4), lambda: eeprom.write(0, b"1234")):
        before = chip.clock.us
        with raises(FlashError) as caught:
            do()
        assert "wiring" in str(caught.error) and 25000 <= chip.clock.us - before < 40000


def test_nothing_outside_is_touched():
    chip, eeprom = make()
    region = EepromRegion(eeprom, 1024, 1024)
    for do in (
        lambda: eeprom.write(4095, b"ab"),
        lambda: read(eeprom, -1, 1),
        lambda: read(eeprom, 4096, 1),
        lambda: read(region, 1023, 2),
        lambda: region.program(1024, b"a"),
        lambda: region.program(-32, b"a"),
        lambda: region.program(30, b"abc"),
        lambda: region.erase(16, 32),
        lambda: region.erase(0, 64),
        lambda: region.erase(1024, 32),
    ):
        with raises(FlashError):
            do()
    assert chip.writes == 0


def _text(name):
    text = json.dumps({"product": name, "more": "x" * 300}).encode()
    return factory.MAGIC + struct.pack("<II", len(text), crc32(text)) + text


def _write_copy(region, number, name):
    """Write as provisioning does: erase, then from the end on."""
    base, data, page = region.size // 2 * number, _text(name), region.page
    for at in range(base, base + region.size // 2, page):
        region.erase(at, page)
    pages = list(range(0, len(data), page))
    for at in reversed(pages):
        region.program(base + at, data[at : at + page])


def test_the_identity_is_read_by_the_agents_own_reader():
    for size, page in ((4096, 32), (32768, 64), (65536, 128)):
        chip, eeprom = make(size, page)
        region = identity_region(eeprom)
        assert region.size % (2 * page) == 0 and factory.read(region) is None
        _write_copy(region, 0, "lamp")
        _write_copy(region, 1, "lamp")
        assert factory.read(region)["product"] == "lamp"
        assert chip.cells[:COUNTER_SIZE] == b"\xff" * COUNTER_SIZE
        chip.cells[COUNTER_SIZE + 40] ^= 1
        assert factory.read(region)["product"] == "lamp"


def test_a_cut_while_the_identity_is_written_leaves_the_old_or_the_new_one():
    seen = {}
    for effect in EFFECTS:
        for count in range(1, 2400, 61):
            chip, eeprom = make(2048)
            region = identity_region(eeprom)
            _write_copy(region, 0, "old")
            _write_copy(region, 1, "old")
            chip.plan(count, effect)
            try:
                _write_copy(region, 0, "new")
                _write_copy(region, 1, "new")
            except PowerCut:
                chip.power_on()
            name = factory.read(region)["product"]
            seen[name] = seen.get(name, 0) + 1
    assert sorted(seen) == ["new", "old"]
