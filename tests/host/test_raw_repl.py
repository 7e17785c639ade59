"""The board of tests/host/raw_repl behaves as MicroPython's shared/runtime/pyexec.c does, as far as mpremote can tell."""

from contextlib import suppress

import pytest
from mpremote.transport import TransportExecError
from mpremote.transport_serial import SerialTransport

from tests.host.raw_repl.rig import Board
from tests.host.test_micropython import micropython  # noqa: F401  the fixture that skips

pytestmark = pytest.mark.usefixtures("micropython")


def connect(board, soft_reset=False):
    line = SerialTransport(board.port, timeout=2)
    line.enter_raw_repl(soft_reset=soft_reset)
    return line


@pytest.mark.parametrize("raw_paste", [True, False])
def test_programs_are_executed(tmp_path, raw_paste):
    with Board(tmp_path, raw_paste=raw_paste) as board:
        line = connect(board)
        assert line.exec("print('one')\nx = 3") == b"one\r\n" and line.eval("x + 1") == 4
        assert line.use_raw_paste == raw_paste
        with pytest.raises(TransportExecError) as caught:
            line.exec("1/0")
        assert "ZeroDivisionError" in caught.value.error_output
        long = "a = 0\n" + "a += 1\n" * 400 + "print(a)"
        assert line.exec(long) == b"400\r\n"
        with pytest.raises(TransportExecError, match="ImportError|no module"):
            line.exec("import hal")
        line.close()


def test_files_stay_and_a_soft_reset_forgets_the_rest(tmp_path):
    with Board(tmp_path) as board:
        line = connect(board)
        line.fs_writefile("one.py", b"value = 7\n")
        assert line.exec("x = 1\nimport one\nprint(one.value)") == b"7\r\n"
        line.exit_raw_repl()
        line.close()
        line = connect(board, soft_reset=True)
        with pytest.raises(TransportExecError, match="NameError"):
            line.exec("x")
        assert line.exec("import one\nprint(one.value)") == b"7\r\n"
        line.close()
    with Board(tmp_path) as board:
        line = connect(board)
        assert [each.name for each in line.fs_listdir("/")] == ["one.py"]
        line.close()


def test_a_running_program_is_interrupted_and_a_reset_starts_it_again(tmp_path):
    with Board(tmp_path, "print('runs')\nwhile True:\n    pass\n") as board:
        line = SerialTransport(board.port, timeout=2)
        assert line.read_until(1, b"runs\r\n", timeout=5).endswith(b"runs\r\n")
        assert board.interrupts == 0
        line.enter_raw_repl(soft_reset=False)
        assert line.eval("2") == 2 and board.interrupts == 1
        line.exec_raw_no_follow("import machine\nmachine.reset()")
        assert line.read_until(1, b"runs\r\n", timeout=5).endswith(b"runs\r\n")
        assert board.starts == 2
        line.close()


def test_the_keyboard_interrupt_can_be_switched_off(tmp_path):
    with Board(tmp_path) as board:
        line = connect(board)
        line.exec_raw_no_follow(
            "import micropython, sys\nmicropython.kbd_intr(-1)\nprint('ready')\n"
            "print(sys.stdin.buffer.read(3))\nmicropython.kbd_intr(3)"
        )
        assert line.read_until(1, b"ready\r\n", timeout=5).endswith(b"ready\r\n")
        line.serial.write(b"a\x03b")
        assert line.follow(5) == (b"b'a\\x03b'\r\n", b"") and board.interrupts == 0
        line.close()


def test_a_line_that_drops_comes_back_elsewhere(tmp_path):
    with Board(tmp_path, drop_after=200) as board:
        line, before = connect(board), board.port
        with pytest.raises(OSError):
            for _ in range(100):
                line.exec("x = 1")
        with suppress(OSError):
            line.close()
        line = connect(board)
        assert line.eval("x") == 1 and board.port and before
        line.close()


def test_the_flash_is_on_the_bus(tmp_path):
    with Board(tmp_path, cells=b"\x11" * 4096) as board:
        line = connect(board)
        line.exec(
            "import machine\nspi, cs = machine.SPI(0, baudrate=1000000), machine.Pin(17, machine.Pin.OUT, value=1)"
        )
        line.exec("def ask(head, n):\n cs(0); spi.write(head); d = spi.read(n); cs(1)\n return d")
        assert line.eval("ask(b'\\x9f', 3)") == b"\xef\x40\x15"
        assert line.eval("ask(b'\\x03\\x00\\x0f\\xfe', 4)") == b"\x11\x11\xff\xff"
        line.exec(
            "cs(0); spi.write(b'\\x06'); cs(1)\ncs(0); spi.write(b'\\x02\\x00\\x10\\x00'); spi.write(b'hi'); cs(1)"
        )
        line.close()
    assert board.cells.read_bytes()[4096:4100] == b"hi\xff\xff"
