"""The emulated board's flash word by word (AAI), and how much of spidev's speed the driver leaves."""

import pytest

from flash_tools.rig.emulator import build
from flash_tools.rig.emulator.machine import EmulatedBoard
from flash_tools.rig.emulator.project_files import project_files
from tests.rig.on_board import FIRST
from tests.rig.test_linux_drivers import BASE

pytestmark = [
    pytest.mark.lg_feature("emulated"),
    pytest.mark.skipif(not build.ready(BASE), reason="no emulated board is built here: `make rig-base` makes it"),
]
LEAST_SHARE = 0.85
OPEN = """
from ports.cpython_linux.clock import Clock
from ports.cpython_linux.spi import SpiLink
from hal.nor_spi import NorSpi
link = SpiLink("/dev/spidev0.0", 20000000)
def chip(part="sst25vf016b-qemu"):
    return NorSpi(link, Clock(), lambda: None, part=part)
def said(action):
    try:
        return action() or "nothing went wrong"
    except Exception as e:
        return "%s: %s" % (type(e).__name__, e)
"""
AAI = """
nor = chip(part=None)
sector, data = 0x180000, bytes((7 * i + i // 256) & 255 for i in range(4096))
nor.erase(sector, 4096)
nor.program(sector + 1, data[1:7])  # a byte, words, a byte
for at in range(256, 4096, 256):
    nor.program(sector + at, data[at : at + 256])
found = bytearray(4096)
nor.read(sector, found)
print(nor.name, found[:8] == b"\\xff" + data[1:7] + b"\\xff", found[256:] == data[256:])
"""
SHARE = """
import time, spidev
spi, nor = spidev.SpiDev(), chip()
spi.open(0, 0)
spi.max_speed_hz = 20000000
START, SIZE, STEP = 0x100000, 256 * 1024, 4 * 1024
page, into = bytes(range(256)), bytearray(STEP)
def head(opcode, at): return [opcode, at >> 16, at >> 8 & 255, at & 255]
def bare_program(at):
    pages = [bytes(head(2, a)) + page for a in range(at, at + STEP, 256)]
    send, transfer = spi.writebytes2, spi.xfer2  # the quicker one for what is not answered
    began = time.monotonic()
    for each in pages:
        send(b"\\x06")
        send(each)
        while transfer([5, 0])[1] & 1: pass
    return time.monotonic() - began
def bare_read(at):
    reads, transfer = [head(3, a) + [0] * 4092 for a in range(at, at + STEP, 4092)], spi.xfer2
    began = time.monotonic()
    for each in reads: transfer(each)
    return time.monotonic() - began
def our_program(at):
    began = time.monotonic()
    for a in range(at, at + STEP, 256): nor.program(a, page)
    nor.wait()
    return time.monotonic() - began
def our_read(at):
    began = time.monotonic()
    nor.read(at, into)
    return time.monotonic() - began
WAYS = bare_program, our_program, bare_read, our_read
TURNS = WAYS, (our_program, bare_program, our_read, bare_read)  # neither is always disturbed by what the other one left
for sector in range(START, START + SIZE, 65536): nor.erase(sector, 65536)
nor.wait()
spent = {way: [] for way in WAYS}
for number in range(SIZE // STEP):
    for way in TURNS[number & 1]:
        spent[way].append(way(START + number * STEP))
    assert into == page * (STEP // 256), number
print(*[sorted(spent[way])[len(spent[way]) // 4] for way in WAYS])  # a busy computer disturbs the others
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with EmulatedBoard(tmp_path_factory.mktemp("flash"), BASE, project_files()) as machine:
        machine.on()
        machine.run(FIRST + OPEN)
        yield machine


@pytest.mark.short
def test_words_are_programmed_one_after_the_other_on_a_sector(board):
    assert board.run(AAI) == "SST25VF016B True True\n"
    data = (board.folder / "flash.img").read_bytes()
    assert (
        data[0x180001:0x180007] == bytes((7 * i) & 255 for i in range(1, 7))
        and data[0x180100:0x180200] != b"\xff" * 256
    )
    assert data[0x17FFFF] == data[0x181000] == 0xFF, "nothing beside the sector is written"


@pytest.mark.short
def test_what_the_driver_leaves_of_spidevs_speed(board, tally):
    shares = []
    for _ in range(3):
        bare_program, our_program, bare_read, our_read = map(float, board.run(SHARE, 120).split())
        shares.append((bare_program + bare_read) / (our_program + our_read))
    tally.measured["rig_flash_share"] = round(sorted(shares)[1], 3)
    assert sorted(shares)[1] >= LEAST_SHARE, shares
