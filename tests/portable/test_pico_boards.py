"""The board files of a Pico without a chip of its own: what they wire, and what they refuse to begin."""

from agent.errors import FlashError
from board import pico_w_internal, pico_w_romfs
from hal.first_stage import CrashMarks
from hal.region import layout_hash
from ports.sim.clock import Clock
from tests.portable.check import raises
from tests.portable.rom_partition import Device, Nor
from tests.portable.unit_files import Folder

BLOCK = 4096


class _Watchdog:
    timeout_ms = 8388

    def feed(self):
        """Feed."""


class _Port:
    scratch = None

    def __init__(self, room=848 << 10, rom=0):
        self.clock, self.watchdog = Clock(), _Watchdog()
        self.folder, self.nor = Folder({}, room), Nor(rom)
        self.lines = []

    def files(self, folder):
        self.lines.append(folder)
        return self.folder

    def rom(self, part=0):
        return Device(self.nor), memoryview(self.nor.cells)

    def pin_in(self, line, pull_up=True):
        self.lines.append(("in", line, pull_up))
        return lambda: 0

    def pin_out(self, line, value=0):
        self.lines.append(("out", line))
        return lambda value: None

    def console(self, bus, tx, rx):
        self.lines.append((bus, tx, rx))


def test_internal_banks_are_files():
    port = _Port()
    hardware = pico_w_internal.build(port)
    assert port.lines == ["/fumo", ("in", 15, True), ("out", 14), (0, 0, 1)]
    assert hardware.layout == layout_hash(pico_w_internal.LAYOUT) and isinstance(hardware.crash_counter, CrashMarks)
    assert [bank.image.size for bank in hardware.banks] == [288 << 10, 288 << 10] and hardware.banks[0].mapped is None
    assert hardware.erase_units == ((BLOCK, 3000),)  # its longest time leaves the watchdog its share
    hardware.banks[1].image.program(0, b"image")
    assert hardware.banks[1].image.busy() is False
    assert port.folder.files["58"][:5] == b"image"


def _bank_files(first):
    return {"%x" % unit: bytes(BLOCK) for unit in range(first, first + 72)}


def test_an_update_is_refused_where_the_file_system_has_no_room_for_its_bank():
    for running, there, enough in ((0, 0x10, False), (0, 0x58, True), (1, 0x58, False), (1, 0x10, True)):
        port = _Port(room=(72 + 20) * BLOCK)
        port.folder.files.update(_bank_files(there))
        hardware = pico_w_internal.build(port)
        hardware.boot.run(running)
        hardware.boot.confirm()
        if enough:
            hardware.check_flash()
            continue
        with raises(FlashError) as refused:
            hardware.check_flash()
        assert "remove files" in str(refused.error)


def test_the_record_is_made_firm_before_a_bank_is_written():
    for build, size in ((pico_w_internal.build, 0), (pico_w_romfs.build, pico_w_romfs.FLASH_SIZE)):
        port = None  # the memory of the one before
        port = _Port(rom=size)
        hardware = build(port)
        hardware.boot.run(0)
        hardware.boot.begin_trial()  # one record that counts
        before = port.nor.erases, port.folder.writes
        build(port).check_flash()
        assert (port.nor.erases, port.folder.writes) != before
        before = port.nor.erases, port.folder.writes
        build(port).check_flash()
        assert (port.nor.erases, port.folder.writes) == before


def test_romfs_banks_are_memory():
    port = _Port(rom=pico_w_romfs.FLASH_SIZE)
    hardware = pico_w_romfs.build(port)
    assert port.lines == [("in", 15, True), ("out", 14), (0, 0, 1)]
    for bank in hardware.banks:
        bank.image.program(256, b"code")
        assert bytes(bank.mapped[254:262]) == b"\xff\xffcode\xff\xff" and len(bank.mapped) == bank.image.size
    assert hardware.banks[1].image.start + hardware.banks[1].image.size == pico_w_romfs.FLASH_SIZE


def test_a_partition_of_another_size_is_refused():
    with raises(FlashError) as refused:
        pico_w_romfs.build(_Port(rom=512 << 10))
    assert "ends at" in str(refused.error)
