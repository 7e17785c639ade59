"""`fumo deploy` onto the emulated microcontroller: mpremote's transport, a serial line, MicroPython's own raw REPL on a UART."""

import json
import shutil

import pytest

from flash_tools import deploy, mpy_line
from flash_tools.deploy import files as build
from flash_tools.errors import BusyError
from flash_tools.rig.mcu.build import FOLDER, ready
from flash_tools.rig.mcu.build import build as build_firmware
from flash_tools.rig.mcu.machine import Microcontroller
from flash_tools.rig.mcu.memory import Settings
from tests.host.fumo_inside import inside
from tests.rig_mcu.pty_console import PtyConsole

_FILES = """
import vfs
class Ram:
    def __init__(self, size):
        self.cells = bytearray(size)
    def readblocks(self, n, into, at=0):
        into[:] = memoryview(self.cells)[n * 512 + at : n * 512 + at + len(into)]
    def writeblocks(self, n, data, at=0):
        self.cells[n * 512 + at : n * 512 + at + len(data)] = data
    def ioctl(self, op, arg):
        return len(self.cells) // 512 if op == 4 else 512 if op == 5 else 0
ram = Ram(%d)
vfs.VfsLfs2.mkfs(ram)
vfs.mount(ram, "/files")
"""
_DISK, _HEAP = 192 << 10, 512 << 10


@pytest.fixture
def board(tmp_path):
    """Give a board with a prompt on a serial port, and a file system in its memory."""
    if not ready(FOLDER) and not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("there is no emulated microcontroller: make rig-mcu builds it")
    with Microcontroller(tmp_path, build_firmware(), Settings(_HEAP, repl=True), console=PtyConsole) as board:
        board.on()
        with mpy_line.connect(board.console.port) as line:
            line.exec(_FILES % _DISK)
        yield board


def test_the_first_stage_arrives_whole_and_once(board, capsys, monkeypatch):
    words = (
        "deploy",
        "-b",
        "mpy:" + board.console.port,
        "--board-file",
        "pico_w_nor",
        "--first-stage",
        "--to",
        "/files",
    )
    first = json.loads(inside(capsys, monkeypatch, *words, "--json")[0])
    files = build.build(deploy.Wish("micropython", "pico_w_nor", first_stage=True))
    assert {each["path"] for each in first["written"]} == set(files) and not first["same"]
    again = json.loads(inside(capsys, monkeypatch, *words, "--json")[0])
    assert not again["written"] and set(again["same"]) == set(files)
    with mpy_line.connect(board.console.port) as line:
        line.exec("import os, sys; sys.path.insert(0, '/files')")
        assert sorted(line.eval("os.listdir('/files')")) == sorted(files)
        assert line.fs_readfile("/files/fumo_first_stage.mpy", chunk_size=256) == files["fumo_first_stage.mpy"]
        line.exec("import fumo_first_stage")  # bytecode that this interpreter takes
        assert line.eval("callable(fumo_first_stage.start)")


def test_a_program_that_runs_is_left_alone(board):
    with mpy_line.connect(board.console.port) as line:
        line.exec_raw_no_follow("import time\nwhile True: time.sleep_ms(10)")
        line.in_raw_repl = False  # somebody pulls the cable
    wish = deploy.Wish("micropython", "pico_w_nor", first_stage=True)
    with pytest.raises(BusyError, match="--interrupt"):  # which this port's UART cannot: it is only read by a prompt
        deploy.deploy("mpy:" + board.console.port, wish, to="/files")
