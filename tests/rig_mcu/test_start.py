"""How an emulated microcontroller starts where something is short: memory, or a chip that has time."""

import shutil

import pytest

from board import rig_mps2
from flash_tools.rig.mcu import goods as goods_module
from flash_tools.rig.mcu.build import FOLDER, build, ready
from flash_tools.rig.mcu.goods import McuGoods
from flash_tools.rig.mcu.machine import Microcontroller, wait_until
from flash_tools.rig.mcu.memory import Settings
from flash_tools.rig.mcu.proxy import Proxy

_READS = """
import os
from binascii import crc32


def _sums():
    found = []
    for name in sorted(os.listdir("/bank")):
        if name[-3:] == "mpy":
            with open("/bank/" + name, "rb") as file:
                found.append(crc32(file.read(600)))
    return found


def start(service):
    hardware = service.hardware
    spare = hardware.banks[1 - hardware.boot.running()].image
    before = _sums()
    spare.erase(0, 4096)
    service.say("read", len(before), "files", "meanwhile" if _sums() == before else "wrongly")
"""
NOBODY = {"url": "http://127.0.0.1:9/dm", "server_id": "nobody", "auth": "md5", "server_auth": "md5"}
_BOUND_S, _REST_MS = 300, 600000


@pytest.fixture
def make(tmp_path):
    """Give a function that makes a board with its first firmware; its waits take no time. Give it power yourself."""
    if not ready(FOLDER) and not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("there is no emulated microcontroller: make rig-mcu builds it")
    made = []

    def make(heap_kib, behaviour="good", wipe=(), counted=True, **settings):
        goods = McuGoods()
        cells = bytearray(goods.chip(NOBODY, "1.0", behaviour))
        for name, start, size in rig_mps2.LAYOUT:
            if name.rstrip("01") in wipe:
                cells[start : start + size] = b"\xff" * size
        board = Microcontroller(tmp_path, build(), Settings(heap_kib << 10, **settings), Proxy, counted)
        board.memory.load_chip(bytes(cells))
        board.memory.load_rom(goods.rom())
        made.append(board)
        return board

    yield make
    for board in made:
        board.off()


def banks(board):
    """Return what the first stage chose, start by start."""
    whole = board.console.text.split("\n")[:-1]
    return [line.strip() for line in whole if line.startswith("bank ")]


@pytest.mark.parametrize("heap_kib, says, cause", [(40, "MemoryError", "watchdog"), (512, "recovery 600", "commanded")])
def test_recovery_that_has_no_memory_is_said_and_rests_as_long_as_one_that_has(make, heap_kib, says, cause):
    board = make(heap_kib, wipe=("boot", "header", "bank"))
    board.on()
    wait_until(lambda: banks(board)[1:], _BOUND_S, "the board did not start again")
    board.off()
    assert says in board.console.text
    assert banks(board)[:2] == ["bank -1 cause 1", "bank -1 cause %d" % {"commanded": 2, "watchdog": 3}[cause]]
    assert board.memory.elapsed_ms / (board.memory.boots - 1) >= _REST_MS, "it starts in a circle"


def test_firmware_that_has_no_memory_is_given_up_and_not_tried_for_ever(make):
    board = make(56)
    board.on()
    wait_until(lambda: banks(board)[3:], _BOUND_S, "the bank is tried again and again")
    assert banks(board)[:4] == ["bank 0 cause 1", "bank 0 cause 3", "bank 0 cause 3", "bank -1 cause 3"]
    assert "MemoryError" in board.console.text


def test_the_bank_is_read_while_the_chip_erases(make, monkeypatch):
    """The first stage and the firmware have a driver each of the same chip: what one has begun the other must wait for."""
    monkeypatch.setitem(goods_module._APPS, "reads", _READS)
    board = make(512, "reads", counted=False, erase_steps=40)
    board.on()
    assert board.wait(("files meanwhile", "files wrongly"), _BOUND_S)[0] == "files meanwhile"
    assert (board.memory.boots, board.memory.complaint) == (1, "")
