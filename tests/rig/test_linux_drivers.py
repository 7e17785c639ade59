"""The Linux drivers on the emulated board, each through its real library and the kernel: what `make test` has only fakes for."""

import os
import select
import time
from pathlib import Path

import pytest

from flash_tools.errors import SilentError
from flash_tools.rig.emulator import build
from flash_tools.rig.emulator.machine import EmulatedBoard
from flash_tools.rig.emulator.project_files import PLACE, project_files

BASE = Path("build/rig/base")
WATCHDOG_S = 5
pytestmark = pytest.mark.skipif(
    not build.ready(BASE), reason="no emulated board is built here: `make rig-base` makes it"
)

FIRST = "import sys; sys.path.insert(0, '/%s')\n" % PLACE  # the rig's own program on the board starts without it
BUSES = """
import os, time
from ports.cpython_linux.clock import Clock
from ports.cpython_linux.i2c import I2cLink
from hal.eeprom_i2c import Eeprom

def said(action):
    try:
        return action() or "nothing went wrong"
    except Exception as e:
        return "%s: %s" % (type(e).__name__, e)

eeprom, data = Eeprom(I2cLink(0, 0x50, 2), Clock(), 4096, 32), bytes(range(256)) * 4
eeprom.write(1000, data)
found, whole = bytearray(len(data)), bytearray(4096)
eeprom.read(1000, found)
I2cLink(0, 0x50, 2).read(0, whole)
print(found == data, whole[1000:2024] == data)
"""
LINES = """
from ports.cpython_linux.gpio import InputPin, OutputPin
led, button = OutputPin("gpiochip1:18", 1), InputPin("gpiochip1:17")
low = OutputPin("209c000.gpio:9", 1, active_low=True)
"""
SERIAL = """
from ports.cpython_linux.uart import Uart
line, into = Uart("/dev/ttymxc2", 115200), bytearray(64)
print(line.read_into(into))
line.write(b"from the board\\n")
"""
WATCH = """
import subprocess, sys, time
from ports.cpython_linux.watchdog import open_watchdog
dog = open_watchdog(5999)
print(dog.timeout_ms, dog.text)
"""
TAKE_OVER = """
code = "import sys; from ports.cpython_linux.watchdog import open_watchdog; print(open_watchdog(5000, fd=int(sys.argv[1])).text)"
print(subprocess.run([sys.executable, "-c", code, str(dog.fd)], close_fds=False, capture_output=True, text=True).stdout)
"""
HEAR = """
found = b""
for _ in range(500):
    found += into[: line.read_into(into)]
    time.sleep(0.01 if len(found) < 13 else 0)
print(bytes(found))
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with EmulatedBoard(tmp_path_factory.mktemp("drivers"), BASE, project_files(), watchdog_s=WATCHDOG_S) as machine:
        machine.on()
        yield machine


def _ask(board, source):
    return board.run("print(said(lambda: %s))" % source).strip()


def test_i2c_parts(board):
    assert board.run(FIRST + BUSES) == "True True\n"
    assert _ask(board, "I2cLink(1, 0x33).read(0, bytearray(2))").startswith(
        "FlashError: nothing answers at 0x33 on /dev/i2c-1"
    )
    assert "is not there" in _ask(board, "I2cLink(7, 0x50)")
    for milli_celsius, said in ((41500, "41.5"), (-12500, "-12.5")):
        board.temperature(milli_celsius)
        board.run("found = bytearray(2); I2cLink(1, 0x49).read(0, found)")
        assert board.run("print(int.from_bytes(found, 'big', signed=True) / 256)").strip() == said


def test_lines(board):
    board.run(FIRST + BUSES + LINES)
    assert board.output(1, 18) is True and board.output(0, 9) is False
    board.run("led(0); low(0)")
    assert board.output(1, 18) is False and board.output(0, 9) is True
    for level in (True, False, True):
        board.line(1, 17, level)
        assert board.run("print(button())").strip() == str(int(not level))
    assert "another part of this program" in _ask(board, "OutputPin('gpiochip1:18')")
    assert "no such line" in _ask(board, "OutputPin('gpiochip1:99')")
    assert "gpiochip6" in _ask(board, "OutputPin('gpiochip7:1')")
    assert "write gpiochip0:17 elsewhere" in _ask(board, "OutputPin(17)")
    board.run("led.close(); button.close(); low.close()")


def test_a_serial_line(board):
    end = os.open(board.serial, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        assert board.run(FIRST + BUSES + SERIAL).endswith("0\n")
        heard = b""
        while not heard.endswith(b"\n"):
            assert select.select([end], [], [], 10)[0], heard
            heard += os.read(end, 100)
        assert heard == b"from the board\n"
        os.write(end, b"to the board\n")
        assert board.run(HEAR).strip() == r"b'to the board\n'"
        assert "is in use" in _ask(board, "Uart('/dev/ttymxc2', 115200)")
        assert "is no serial line" in _ask(board, "Uart('/dev/null', 115200)")
    finally:
        os.close(end)
        board.run("line.close()")


def test_the_watchdog_resets_a_board_that_feeds_no_more(board):
    board.run(FIRST + BUSES)
    boots, resets = board.boots, board.events("WATCHDOG")
    assert board.run(WATCH) == "5000 imx2+ watchdog, 5000 ms\n"
    assert "is held by python3 (process" in _ask(board, "open_watchdog(5000)")
    board.run("for _ in range(6):\n    time.sleep(1)\n    dog.feed()")
    board.run("dog.close(); time.sleep(6)")  # stopped on purpose
    assert board.events("WATCHDOG") == resets
    before = time.monotonic()
    assert board.run(WATCH + TAKE_OVER).count("imx2+ watchdog, 5000 ms") == 2
    board.wait_event("WATCHDOG", resets + 1, 6 * WATCHDOG_S)
    assert time.monotonic() - before >= WATCHDOG_S
    board.wait_boot(boots + 1)


def test_a_restart_by_the_kernel_with_an_argument(board):
    boots = board.boots
    told = board.run(
        FIRST
        + "from ports.cpython_linux import system\nprint(system.reset_cause('/run/b')[0], system.reset_cause('/run/b')[0])"
    )
    assert told.split() == ["0", "3"]  # nothing tells why the board started; the second is a crash
    with pytest.raises(SilentError):
        board.run("system.reboot('0 tryboot', systemd=False)", timeout_s=1)
    board.wait_boot(boots + 1)
    assert "reboot: Restarting system with command '0 tryboot'" in board.console()
