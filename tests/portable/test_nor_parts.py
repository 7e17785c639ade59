"""A chip that a board file has to name, because its id says another one: QEMU's SST25VF016B, which takes pages."""

from agent.errors import FlashError
from hal.nor_chips import CHIPS, PARTS
from hal.nor_spi import NorSpi
from ports.sim.clock import Clock
from ports.sim.spi_chip import Part, SpiChip
from tests.portable.check import raises

QEMU = "sst25vf016b-qemu"
DATA = bytes(range(256))


class QemuChip(SpiChip):
    """The emulator's model: pages and words, nothing takes any time, no protection, no tables."""

    def __init__(self, jedec_id=b"\xbf\x25\x41"):
        erases = {0x20: (4096, 0, 0), 0x52: (32768, 0, 0), 0xD8: (65536, 0, 0)}
        super().__init__(Part("qemu", jedec_id, 2 << 20, erases, (0, 0), (0, 0), aai=True), Clock())
        self.words = self.pages = 0

    def _write(self, opcode, head, data):
        if opcode == 0x02:
            self.pages += 1
            self._page_program(head[1] << 16 | head[2] << 8 | head[3], data)
        else:
            self.words += opcode == 0xAD
            super()._write(opcode, head, data)


def make(part=QEMU, **more):
    chip = QemuChip()
    return chip, NorSpi(chip, chip.clock, lambda: None, part=part, **more)


def _write_and_look(nor):
    data, found = DATA * 16, bytearray(4096)
    nor.program(8192, b"\x00" * 256)
    nor.erase(8192, 4096)
    for at in range(0, 4096, 256):
        nor.program(8192 + at, data[at : at + 256])
    nor.read(8192, found)
    assert found == data
    nor.program(4096 + 3, DATA[1:100])
    nor.read(4096, found)
    assert found[:103] == b"\xff" * 3 + DATA[1:100] + b"\xff" and found[103:] == b"\xff" * 3993


def test_it_is_written_in_pages_where_it_is_named():
    chip, nor = make()
    assert nor.name == "SST25VF016B-QEMU" and nor.size == 2 << 20 and nor.page == 256
    assert [unit for unit, _ in nor.erase_units] == [4096, 32768, 65536]
    _write_and_look(nor)
    assert chip.words == 0 and chip.pages == 18


def test_it_is_written_in_words_where_it_is_not():
    chip, nor = make(None)
    assert nor.name == "SST25VF016B"
    _write_and_look(nor)
    assert chip.words > 2000


def test_the_id_must_still_be_that_parts():
    for jedec_id in (b"\xef\x40\x15", b"\xbf\x25\x8d"):
        chip = QemuChip(jedec_id)
        with raises(FlashError) as caught:
            NorSpi(chip, chip.clock, lambda: None, part=QEMU)
        assert "bf 25 41" in str(caught.error)


def test_a_part_that_nobody_knows_is_a_mistake_in_the_board_file():
    with raises(FlashError) as caught:
        make("sst25vf016b")
    assert QEMU in str(caught.error)


def test_parts_are_whole_and_stay_out_of_the_table_by_id():
    for name, (jedec_id, chip) in PARTS.items():
        assert name == name.lower() and len(jedec_id) == 3
        assert chip.erases is None or len(chip.erases) == len(chip.erase_ms)
        assert CHIPS.get(jedec_id) is not chip
