"""The emulated board itself, in QEMU: it boots, its parts answer, and its power can be taken at any moment."""

import http.server
import shutil
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import serial

from flash_tools.errors import SilentError, ToolError
from flash_tools.rig.emulator import damage
from flash_tools.rig.emulator.build import CRYPTOGRAPHY, build
from flash_tools.rig.emulator.machine import BOOT_S, EmulatedBoard, GuestError
from flash_tools.rig.emulator.project_files import project_files

BASE = Path(__file__).resolve().parents[2] / "build/rig/base"
WATCHDOG_S = 4
ECHO = b"""#!/usr/bin/python3
import serial
with serial.Serial("/dev/ttymxc2", 115200) as line:
    line.write(b"ready\\n")
    while True:
        line.write(b"echo " + line.readline())
"""
CHIP = """
import spidev
spi = spidev.SpiDev()
spi.open(0, 0)
spi.max_speed_hz = 10000000
def command(*data): return bytes(spi.xfer2(list(data)))
def where(address): return address >> 16, address >> 8 & 255, address & 255
def program(address, data): command(6); command(2, *where(address), *data)
def erase(address): command(6); command(0x20, *where(address))
def read(address, size): return command(3, *where(address), *bytes(size))[4:]
"""


@pytest.fixture(scope="module")
def base():
    if not shutil.which("qemu-system-arm"):
        pytest.skip("there is no qemu-system-arm: `make rig-debian` installs it")
    try:
        return build(BASE)
    except ToolError as e:
        pytest.skip("the emulated board cannot be made: %s" % e)


@pytest.fixture(scope="module")
def board(base, tmp_path_factory):
    """Give a board with power, which the tests leave so."""
    payload = {"etc/rig/start": ECHO}
    ports = (("udp", 9876), ("tcp", 8080))
    with EmulatedBoard(tmp_path_factory.mktemp("board"), base, payload, ports=ports, watchdog_s=WATCHDOG_S) as found:
        found.on()
        found.run(CHIP)
        yield found


def make(folder, base, payload=None, **options):
    """Return a board of its own with power, which a test may take."""
    board = EmulatedBoard(folder, base, payload, **options)
    board.on()
    return board


# -- parts -------------------------------------------------------------------------------------------------------------


def test_it_is_the_python_and_the_libraries_of_debian_12(board):
    names = "spidev, smbus2, serial, gpiozero, gpiod, ssl, zipimport, tomllib, ctypes, sys"
    source = "import %s\nprint(sys.version_info[:2], ssl.HAS_TLSv1_3, serial.__version__, spidev.__version__)"
    assert board.run(source % names) == "(3, 11) True 3.5 3.6\n"


def test_the_chip_answers_and_what_it_is_told_is_in_its_file(board):
    assert board.run("print(command(0x9F, 0, 0, 0)[1:].hex())") == "bf2541\n"
    board.run("erase(0x3000)\nprogram(0x3000, b'kept')")
    assert board.run("print(read(0x3000, 6))") == "b'kept\\xff\\xff'\n"
    assert (board.folder / "flash.img").read_bytes()[0x3000:0x3006] == b"kept\xff\xff"


def test_the_eeprom_is_a_file_too(board):
    board.run(
        """
        import smbus2
        bus = smbus2.SMBus(0)
        bus.i2c_rdwr(smbus2.i2c_msg.write(0x50, [0x01, 0x20, *b"identity"]))
        """
    )
    assert (board.folder / "eeprom.img").read_bytes()[0x120:0x128] == b"identity"


def test_the_temperature_is_what_it_was_set_to(board):
    for milli, raw in ((41500, 0x2980), (-10000, 0xF600)):
        board.temperature(milli)
        read = "import smbus2\nprint(bytes(smbus2.SMBus(1).read_i2c_block_data(0x49, 0, 2)).hex())"
        assert int(board.run(read), 16) == raw


def test_pins_go_both_ways(board):
    board.run(
        """
        import gpiod
        chip = gpiod.Chip("gpiochip1")
        button, lamp, edge = chip.get_line(17), chip.get_line(18), chip.get_line(19)
        button.request("rig", gpiod.LINE_REQ_DIR_IN)
        lamp.request("rig", gpiod.LINE_REQ_DIR_OUT, default_vals=[1])
        edge.request("rig", gpiod.LINE_REQ_EV_BOTH_EDGES)
        """
    )
    assert board.output(1, 18) is True and board.output(1, 17) is None
    for level in (True, False, True):
        board.line(1, 17, level)
        board.line(1, 19, level)
        assert board.run("print(button.get_value(), edge.event_wait(sec=5), edge.event_read().type)").split()[:2] == [
            str(int(level)),
            "True",
        ]
    board.run("lamp.set_value(0)")
    assert board.output(1, 18) is False


def test_the_serial_line_carries_bytes_both_ways(board):
    with serial.Serial(board.serial, 115200, timeout=30) as line:
        line.write(b"hello\n")
        assert line.read_until(b"echo hello\n").endswith(b"echo hello\n")
        long = bytes(range(0x20, 0x7F)) * 40 + b"\n"
        line.write(long)
        assert line.read_until(long).endswith(b"echo " + long)


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"from the host")

    def log_message(self, *_):
        pass


def test_the_board_reaches_the_host_and_nothing_else(board):
    with http.server.HTTPServer(("127.0.0.1", 0), Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = "import urllib.request as u\nprint(u.urlopen('http://10.0.2.2:%d/', timeout=20).read())"
        assert board.run(source % server.server_port) == "b'from the host'\n"
        server.shutdown()
    with pytest.raises(GuestError, match="Network is unreachable"):
        board.run("import socket\nsocket.create_connection(('192.0.2.1', 80), 5)")


def test_the_host_reaches_the_boards_ports(board):
    board.run(
        "import socket\nudp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nudp.bind(('', 9876))\nudp.settimeout(20)"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"notification", ("127.0.0.1", board.forward["udp", 9876]))
    assert board.run("print(udp.recv(100))") == "b'notification'\n"
    board.run("tcp = socket.create_server(('', 8080))\ntcp.settimeout(20)")
    with socket.create_connection(("127.0.0.1", board.forward["tcp", 8080]), 20) as caller:
        caller.sendall(b"call")
        assert board.run("print(tcp.accept()[0].recv(100))") == "b'call'\n"


def test_the_clock_is_right(board):
    import time

    assert abs(float(board.run("import time\nprint(time.time())")) - time.time()) < 10


def test_the_projects_modules_are_there_for_an_isolated_python_too(base, tmp_path):
    with make(tmp_path, base, project_files(("agent", "hal")), layers=(CRYPTOGRAPHY,)) as board:
        source = "import subprocess\nprint(subprocess.run(['python3', '-I', '-c', %r], capture_output=True, text=True))"
        inner = "import agent.p256 as a, hal.region, cryptography.hazmat.primitives.asymmetric.ec; print(a.__cached__)"
        assert "agent/__pycache__/p256.cpython-311.pyc" in board.run(source % inner)


# -- resets ------------------------------------------------------------------------------------------------------------


HELD = "line.request('rig', gpiod.LINE_REQ_DIR_IN)\nprint(line.get_value())\nline.release()"
REBOOTS = {
    "a program": "import subprocess\nsubprocess.Popen(['reboot'])",
    "busybox's shell": "import subprocess\nsubprocess.Popen('reboot', shell=True)",
    "systemctl, with the watchdog running": """
        import subprocess
        dog = open("/dev/watchdog0", "wb", 0)
        dog.write(b"x")
        subprocess.Popen(["systemctl", "--no-block", "reboot"])
        """,
}


@pytest.mark.parametrize("way", REBOOTS)
def test_a_reboot_comes_up_again_and_forgets_its_memory(board, way):
    boots = board.boots
    board.run("open('/run/here', 'w').close()")
    board.line(1, 20, True)  # a button that is held stays so
    with suppress(SilentError):  # it may go down before it has answered
        board.run(REBOOTS[way])
    board.wait_boot(boots + 1, 3 * WATCHDOG_S + BOOT_S)
    assert board.run("import os\nprint(os.path.exists('/run/here'))") == "False\n"
    assert board.run("import gpiod\nline = gpiod.Chip('gpiochip1').get_line(20)\n%s" % HELD) == "1\n"
    board.line(1, 20, False)
    board.run(CHIP)


def test_the_watchdog_bites_when_it_is_not_fed_and_only_then(board):
    boots, bites = board.boots, board.events("WATCHDOG")
    board.run(
        """
        import time
        dog = open("/dev/watchdog0", "wb", 0)
        for _ in range(12):
            dog.write(b"x")
            time.sleep(0.5)
        """
    )
    assert board.events("WATCHDOG") == bites, "it bit although it was fed for longer than its time"
    board.wait_event("WATCHDOG", bites + 1)
    board.wait_boot(boots + 1)
    board.run(CHIP)


def test_a_kernel_that_stands_still_is_ended_by_the_watchdog(base, tmp_path):
    with make(tmp_path, base, panic_s=0, watchdog_s=WATCHDOG_S) as board:
        board.run("dog = open('/dev/watchdog0', 'wb', 0)")
        with suppress(SilentError):
            board.run("open('/proc/sysrq-trigger', 'w').write('c')")
        board.wait_boot(2)
        assert board.events("WATCHDOG") == 1 and "Kernel panic" in board.console()


# -- power -------------------------------------------------------------------------------------------------------------


def test_the_power_can_go_at_any_moment_and_comes_back(base, tmp_path):
    board = EmulatedBoard(tmp_path, base, {"etc/rig/start": ECHO})
    path = board.serial
    with board, serial.Serial(path, 115200, timeout=30) as line:
        board.on(wait=False)
        board.off()
        board.off()
        assert not board.alive
        with pytest.raises(SilentError, match="has no power"):
            board.run("print(1)")
        board.payload["root/changed"] = b"yes"
        board.on()
        board.run(CHIP)
        board.run("program(0x1000, bytes(range(256)))")
        board.off()
        assert (board.folder / "flash.img").read_bytes()[0x1000:0x1100] == bytes(range(256))
        board.on()
        assert board.run("print(open('/root/changed').read())") == "yes\n" and board.serial == path
        assert line.read_until(b"ready\n").endswith(b"ready\n")
    assert not board.alive


def test_the_power_goes_inside_of_an_operation_of_the_chip(base, tmp_path):
    with make(tmp_path, base, exact_cuts=True) as board:
        board.run(CHIP)
        board.run("erase(0)\nprogram(0, b'whole')")
        assert board.wait_operations(2) == 2
        board.cut_after(3, seed=1)
        with pytest.raises(SilentError):
            board.run("for number in range(4096): program(0x10000 + number * 256, bytes(256))")
        assert board.wait_off() == (0x10200, "program")
        data = (tmp_path / "flash.img").read_bytes()
        assert data[:5] == b"whole" and data[0x10000:0x10200] == bytes(512)
        assert bytes(256) != data[0x10200:0x10300] != b"\xff" * 256 and data[0x10300:] == b"\xff" * (
            len(data) - 0x10300
        )
        board.on()
        board.run(CHIP)
        board.cut_after(1, seed=2)
        with pytest.raises(SilentError):
            board.run("erase(0x10000)\nimport time\ntime.sleep(20)")
        assert board.wait_off() == (0x10000, "erase")
        half = (tmp_path / "flash.img").read_bytes()[0x10000 : 0x10000 + damage.SECTOR]
        assert half not in (b"\xff" * damage.SECTOR, data[0x10000 : 0x10000 + damage.SECTOR])


def test_the_kernel_may_have_the_chip_and_there_may_be_a_card(base, tmp_path):
    card = tmp_path / "card.img"
    card.write_bytes(b"card" + bytes((8 << 20) - 4))
    with make(tmp_path / "board", base, spi="mtd", sd=card) as board:
        source = "print(open('/dev/mtd0', 'rb').read(2), open('/dev/mmcblk3', 'rb').read(4), 'spi0.0' in open('/proc/mtd').read())"
        assert board.run(source) == "b'\\xff\\xff' b'card' True\n"


def test_what_qemu_refuses_is_said_in_one_line(base, tmp_path):
    with (
        EmulatedBoard(tmp_path, base, extra=("-device", "no-such-part")) as board,
        pytest.raises(ToolError, match="^QEMU did not start: .*no-such-part") as caught,
    ):
        board.on()
    assert "\n" not in str(caught.value)
