"""The SPI NOR driver through real transactions: every part of the tables, every way a chip can fail to answer."""

from agent.errors import FlashError
from hal.nor_chips import CHIPS
from tests.portable.check import raises
from tests.portable.chips import Bench, names, part

DATA = bytes(range(256))


def _read(nor, addr, size):
    data = bytearray(size)
    nor.read(addr, data)
    return data


def test_every_part_erases_programs_and_reads():
    for name in names():
        bench = Bench(name)
        nor = bench.nor
        assert nor.size == part(name).size, name
        for unit, _ in nor.erase_units:
            addr = nor.size - 65536
            nor.program(addr + 256, b"\x00" * 16)
            nor.erase(addr, unit)
            assert nor.busy(), name
            assert _read(nor, addr, unit if unit < 8192 else 600) == b"\xff" * (unit if unit < 8192 else 600), name
            nor.program(addr, DATA)
            nor.program(addr + 513, DATA[:100])
            assert _read(nor, addr, 256) == DATA, name
            assert _read(nor, addr + 513, 100) == DATA[:100], name
            nor.erase(addr, unit)


def test_units_come_smallest_first_with_the_chips_own_maximum():
    assert Bench("W25Q128").nor.erase_units == ((4096, 896), (32768, 1792), (65536, 2240))
    assert Bench("GD25Q64").nor.erase_units == ((4096, 400), (32768, 1200), (65536, 2000))
    assert Bench("SST26VF032B").nor.erase_units == ((4096, 25),)


def test_a_read_longer_than_the_link_is_cut_into_transactions():
    bench = Bench("W25Q128")
    for i in range(32):
        bench.nor.program(i * 256, bytes([i]) * 256)
    data = _read(bench.nor, 100, 8000)
    assert data[0] == 0 and data[156] == 1 and data[7999] == (8099 // 256)


def test_a_large_part_is_addressed_with_four_bytes():
    for name in ("W25Q256FV", "IS25WP256"):
        nor = Bench(name).nor
        nor.program(0x1000000, DATA)
        nor.program(0x1010000, b"\x00" * 256)
        assert _read(nor, 0x1000000, 256) == DATA
        assert _read(nor, 0, 256) == b"\xff" * 256
        nor.erase(0x1010000, 65536)
        assert _read(nor, 0x1010000, 256) == b"\xff" * 256
        assert _read(nor, 0x1000000, 256) == DATA


def test_program_and_erase_only_start_and_the_next_call_waits():
    bench = Bench("W25Q128")
    before = bench.clock.us
    bench.nor.erase(0, 65536)
    assert bench.clock.us - before < 1000
    bench.nor.program(0, DATA)
    assert bench.clock.us - before > 160000
    assert bench.feeds > 50


def test_a_reset_while_the_chip_works_is_waited_out():
    bench = Bench("W25Q128", lambda chip: chip.interrupt(1500000))
    assert bench.clock.us >= 1500000
    assert bench.longest_us < 10000
    bench.nor.program(0, DATA)
    assert _read(bench.nor, 0, 256) == DATA


def test_a_chip_that_stays_busy_is_given_up_after_its_maximum():
    bench = Bench("W25Q128")
    bench.nor.erase(0, 4096)
    bench.chip.fault = "stuck"
    before = bench.clock.us
    with raises(FlashError):
        _read(bench.nor, 0, 1)
    assert 896000 <= bench.clock.us - before < 1000000
    with raises(FlashError):
        Bench("W25Q128", lambda chip: setattr(chip, "fault", "stuck"))


def test_a_pause_between_chip_and_clock_is_not_a_busy_chip():
    bench = Bench("W25Q128")
    bench.nor.program(0, DATA)
    assert bench.nor.busy()
    query, stalls = bench.chip.query, []

    def stall(head, into):
        """The chip answers that it works, then the program stands still for longer than a page takes."""
        query(head, into)
        if head[0] == 0x05 and into[0] & 1 and not stalls:
            stalls.append(bench.clock.us)
            bench.clock.us += 50000

    bench.chip.query = stall
    assert _read(bench.nor, 0, 256) == DATA
    assert stalls


def test_a_lost_write_enable_is_seen():
    bench = Bench("W25Q128")
    bench.chip.fault = "no-wel"
    with raises(FlashError):
        bench.nor.program(0, DATA)
    with raises(FlashError):
        bench.nor.erase(0, 4096)


def test_a_chip_that_is_done_at_once_costs_three_transactions_a_page():
    bench = Bench("W25Q128", _quick)
    bench.nor.program(0, DATA)
    before = bench.chip.transactions
    bench.nor.program(256, DATA)
    assert bench.chip.transactions - before == 3  # write enable, the status of both, the page
    assert _read(bench.nor, 0, 512) == DATA * 2


def test_a_chip_at_work_is_asked_before_it_is_told():
    bench = Bench("W25Q128")
    for at in range(0, 1024, 256):
        bench.nor.program(at, DATA)  # each hears its write enable, although the first one was sent to a chip at work
    assert _read(bench.nor, 0, 1024) == DATA * 4
    told = []
    bench.chip.command = _told(bench.chip.command, told)
    bench.nor.program(1024, DATA)
    assert told == [0x06, 0x02]


def test_a_chip_that_was_seen_at_work_is_told_nothing_before_it_is_done():
    bench, told = Bench("W25Q128"), []
    for at in (0, 256):
        bench.nor.program(at, DATA)
    bench.chip.command = _told(bench.chip.command, told)
    bench.nor.program(512, DATA)
    assert told == [0x06, 0x02] and _read(bench.nor, 0, 768) == DATA * 3


def test_a_chip_that_shows_its_write_enable_until_the_page_is_done_is_waited_for():
    bench = Bench("W25Q128")
    bench.nor.program(0, DATA)
    bench.chip.registers |= 2  # the model takes it back at once
    bench.nor.program(256, DATA)
    assert _read(bench.nor, 0, 512) == DATA * 2


def test_a_write_enable_that_is_lost_behind_another_page_is_seen():
    bench = Bench("W25Q128", _quick)
    bench.nor.program(0, DATA)
    bench.chip.fault = "no-wel"
    with raises(FlashError):
        bench.nor.program(256, DATA)


def _quick(chip):
    chip.part.page_us = (0, 0)


def _told(command, told):
    def listen(head, data=None):
        told.append(head[0])
        command(head, data)

    return listen


def test_no_chip_says_what_to_check():
    for fault in ("ff", "00"):
        with raises(FlashError) as caught:
            Bench("W25Q128", lambda chip: setattr(chip, "fault", fault))
        assert "wiring" in str(caught.error)


def test_the_wrong_chip_is_refused():
    with raises(FlashError):
        Bench("W25Q128", jedec_id=b"\xc2\x20\x18")


def test_a_clone_with_the_wrong_size_is_refused():
    def shrink(chip):
        chip.part.sfdp = part("W25Q16JV").sfdp

    with raises(FlashError) as caught:
        Bench("W25Q128", shrink)
    assert "clone" in str(caught.error)


def test_an_unknown_chip_without_tables_is_refused():
    def strip(chip):
        chip.part.sfdp, chip.part.jedec_id = b"", b"\x12\x34\x56"

    with raises(FlashError):
        Bench("W25Q128", strip)


def test_an_unknown_chip_with_tables_is_taken_at_its_word():
    def rename(chip):
        chip.part.jedec_id = b"\x12\x34\x56"

    assert Bench("W25Q128", rename).nor.size == 16 << 20


def test_deep_power_down_is_left_first():
    bench = Bench("W25Q64", lambda chip: setattr(chip, "asleep", True))
    assert bench.nor.name == "W25Q64"


def test_protection_after_power_on_is_lifted():
    for name in ("SST25VF016B", "SST26VF032B"):
        bench = Bench(name)
        bench.nor.program(0, DATA)
        assert _read(bench.nor, 0, 256) == DATA, name
    bench = Bench("W25Q128", lambda chip: setattr(chip, "registers", 0x1C))
    bench.nor.erase(0, 4096)
    bench.nor.program(0, DATA)
    assert _read(bench.nor, 0, 256) == DATA


def test_page_and_unit_borders_are_kept():
    nor = Bench("W25Q128").nor
    for wrong in (
        lambda: nor.program(200, DATA),
        lambda: nor.program(0, b""),
        lambda: nor.erase(4096, 65536),
        lambda: nor.erase(0, 8192),
        lambda: nor.read(nor.size - 1, bytearray(2)),
        lambda: nor.program(nor.size, b"\x00"),
    ):
        with raises(FlashError):
            wrong()


def test_auto_increment_programs_every_alignment():
    for start in range(4):
        for size in (1, 2, 3, 4, 7, 250):
            nor = Bench("SST25VF016B").nor
            nor.program(start, DATA[1 : 1 + size])
            assert _read(nor, 0, 256) == b"\xff" * start + DATA[1 : 1 + size] + b"\xff" * (256 - start - size)


def test_auto_increment_left_by_a_reset_is_ended():
    bench = Bench("SST25VF016B", lambda chip: setattr(chip, "in_aai", True))
    bench.nor.program(0, DATA)
    assert _read(bench.nor, 0, 256) == DATA


def test_every_table_entry_has_a_time_for_every_erase():
    for jedec_id, chip in CHIPS.items():
        assert len(jedec_id) == 3
        if chip.erases:
            assert len(chip.erase_ms) == len(chip.erases), chip.name
