"""ports/micropython/spi.py and programmer.py with pins and a bus as `machine` has them, a chip model behind."""

import binascii

from hal.nor_spi import NorSpi
from ports.micropython import programmer
from ports.micropython.spi import SpiLink
from ports.sim.clock import Clock
from ports.sim.spi_chip import SpiChip
from tests.host.raw_repl.spi_bus import Bus
from tests.portable.check import raises
from tests.portable.chips import part


class _Spi:
    def __init__(self, bus):
        self.write = bus.write
        self._bus = bus
        self.fails = False

    def readinto(self, into, write=0):
        if self.fails:
            raise OSError(5, "bus")
        into[:] = self._bus.read(len(into))


def _make():
    clock = Clock()
    chip = SpiChip(part("W25Q16JV"), clock)
    bus, levels = Bus(chip), []

    def select(level):
        levels.append(level)
        bus.deselect() if level else bus.select()

    spi = _Spi(bus)
    bus.select()
    link = SpiLink(spi, select)
    return chip, spi, link, NorSpi(link, clock, lambda: None), levels


def test_the_driver_works_through_it():
    chip, _, link, nor, levels = _make()
    assert nor.size == 2 << 20
    nor.erase(8192, 4096)
    nor.program(8192, b"hello")
    found = bytearray(6000)
    nor.read(8192, found)
    assert found[:6] == b"hello\xff"
    assert levels[0] == 1 and levels[1::2] == [0] * (len(levels) // 2) and levels[2::2] == [1] * (len(levels) // 2)


def test_chip_select_is_let_go_after_an_error():
    _, spi, link, _, levels = _make()
    spi.fails = True
    with raises(OSError):
        link.query(b"\x9f", bytearray(3))
    assert levels[-1] == 1


def test_the_programmer_answers_in_lines():
    _, _, link, nor, _ = _make()
    said = []
    send, say = programmer._send, programmer._say
    programmer._send = lambda data: said.append(bytes(data))
    programmer._say = said.append
    try:
        board = programmer.Programmer(nor, link)
        board.facts()
        assert said[1] == b"\xef\x40\x15" and said[2][:4] == b"SFDP"
        board.program(4096 - 2, binascii.b2a_base64(b"FUF1" + b"\xff" * 600 + b"end"))
        board.program(8192, binascii.b2a_base64(b"FUF1"))
        del said[:]
        board.scan(b"FUF1")
        board.scan(b"F1")
        assert said == ["[8192]", "[4096]"]
        del said[:]
        board.read(4094, 1500)
        assert len(said) == 2 and said[0][:5] == b"FUF1\xff" and (said[0] + said[1])[604:608] == b"end\xff"
        del said[:]
        board.digests(0, 3 * 4096, 4096)
        assert len(said) == 3 and len(said[0]) == 32 and said[0] != said[1]
        board.erase(8192, 4096)
        del said[:]
        board.scan(b"FUF1")
        board.id_and_status(2)
        assert said == ["[]", b"\xef\x40\x15\x00", b"\xef\x40\x15\x00"]
    finally:
        programmer._send, programmer._say = send, say
