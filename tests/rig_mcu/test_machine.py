"""The emulated microcontroller itself: is its heap hard, its chip strict, its watchdog real, and does a cut leave what it must?"""

import hashlib
import shutil
import time

import pytest

from flash_tools.errors import ToolError
from flash_tools.rig.mcu.build import FOLDER, build, ready
from flash_tools.rig.mcu.machine import STEADY_INSTRUCTIONS, TICK_INSTRUCTIONS, Microcontroller, wait_until
from flash_tools.rig.mcu.memory import CHIP_SIZE, Settings

_SPI = """
import machine, time
spi, cs = machine.SPI(0), machine.Pin(0, machine.Pin.OUT, value=1)
def command(head, data=b""):
    cs(0); spi.write(head); spi.write(data); cs(1)
def query(head, size):
    into = bytearray(size)
    cs(0); spi.write(head); spi.readinto(into); cs(1)
    return bytes(into)
def status(): return query(b"\\x05", 1)[0]
def write(head, data=b""):
    command(b"\\x06"); command(head, data)
    looks = 0
    while status() & 1: looks += 1
    return looks
"""


@pytest.fixture(scope="module")
def firmware():
    """Give the firmware, or say why there is none."""
    if not ready(FOLDER) and not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("there is no emulated microcontroller: make rig-mcu builds it")
    return build()


@pytest.fixture
def board(firmware, tmp_path):
    """Give a board with a prompt."""
    with Microcontroller(tmp_path, firmware, Settings(64 << 10, repl=True)) as board:
        board.on()
        yield board


def test_it_is_a_32_bit_micropython_with_what_boards_have(board):
    said = board.run(
        "import sys, os, machine, vfs, hashlib, deflate, json, binascii, uctypes, time\n"
        "print(sys.maxsize, sys.platform, hashlib.md5(b'abc').digest() == binascii.unhexlify('%s'), vfs.VfsLfs2, vfs.VfsRom)\n"
        "print(len(os.urandom(5)), time.gmtime(0)[0], machine.reset_cause() == machine.PWRON_RESET)"
        % hashlib.md5(b"abc").hexdigest()
    )
    assert said.startswith("2147483647 qemu True ")
    assert said.splitlines()[1] == "5 2000 True"


@pytest.mark.parametrize("kib", [24, 100])
def test_the_heap_is_as_large_as_it_is_told_and_no_larger(firmware, tmp_path, kib):
    with Microcontroller(tmp_path, firmware, Settings(kib << 10, repl=True)) as board:
        board.on()
        board.run("import gc\ngc.collect()")
        total = int(board.run("print(gc.mem_free() + gc.mem_alloc())"))
        assert (kib << 10) * 0.95 < total <= kib << 10  # what is missing is the collector's own table
        board.run("kept = bytearray(%d)" % ((kib - 12) << 10))
        with pytest.raises(ToolError, match="MemoryError"):
            board.run("more = bytearray(12 << 10)")


def test_the_chip_says_who_it_is_and_keeps_what_is_programmed(board):
    board.run(_SPI)
    assert board.run("print(query(b'\\x9f', 3))").strip() == r"b'\xc8@\x16'"
    assert int(board.run("print(write(b'\\x02\\x01\\x02\\x00', bytes(range(256))))")) > 0  # it works for a while
    assert board.memory.chip()[0x10200:0x10300] == bytes(range(256))
    board.run("write(b'\\x20\\x01\\x00\\x00')")
    assert board.memory.chip() == b"\xff" * CHIP_SIZE
    assert board.memory.complaint == ""
    assert (board.memory.counts.programs, board.memory.counts.erases) == (1, 1)


@pytest.mark.parametrize(
    "source, complaint",
    [
        ("write(b'\\x02\\0\\0\\0', b'\\0'); write(b'\\x02\\0\\0\\0', b'\\1')", "1 times a program over data, the last one at 0x0"),
        ("write(b'\\x02\\0\\1\\xf0', bytes(17))", "1 times a program across a page, the last one at 0x1f0"),
        ("write(b'\\x20\\0\\x01\\0')", "1 times an erase that is not aligned, the last one at 0x100"),
        ("command(b'\\x02\\0\\2\\0', b'\\0')", "1 times not enabled, the last one at 0x200"),
        ("write(b'\\x02\\x50\\0\\0', b'\\0')", "1 times an address outside, the last one at 0x500000"),
    ],
)  # fmt: skip
def test_what_silicon_does_wrong_without_a_word_is_complained_of(board, source, complaint):
    board.run(_SPI + source)
    assert board.memory.complaint == complaint


def test_a_chip_at_work_hears_nothing_but_questions(board):
    board.run(_SPI + "write(b'\\x02\\0\\1\\0', b'abc')\ncommand(b'\\x06'); command(b'\\x02\\0\\0\\0', b'xyz')")
    assert board.run("print(query(b'\\x03\\0\\1\\0', 3))").strip() == r"b'\xff\xff\xff'"
    board.run("command(b'\\x06'); command(b'\\x20\\0\\0\\0')")
    board.run("while status() & 1: pass")
    assert board.run("print(query(b'\\x03\\0\\1\\0', 3), query(b'\\x03\\0\\0\\0', 3))").strip() == "b'abc' b'xyz'"
    assert board.memory.counts.erases == 0


def test_a_cut_leaves_a_part_of_a_page_and_a_reset_does_not(board):
    board.settings.program_step = 16
    board.on()
    start = _SPI + "command(b'\\x06'); command(b'\\x02\\0\\0\\0', bytes(256)); [status() for _ in range(3)]"
    board.run(start)
    board.off()
    assert board.memory.chip()[:256] == bytes(48) + b"\xff" * 208
    board.on()
    board.run(_SPI)
    assert board.run("print(status())").strip() == "0"  # without power it has forgotten what it was doing
    board.run(start.replace("\\x02\\0\\0\\0", "\\x02\\0\\1\\0"))
    board.console.send(b"import machine; machine.reset()\x04")
    wait_until(lambda: board.memory.boots == 2, 20, "the board did not start again")
    board.wait(
        (">>> ",), 20, board.console.text.rindex("machine.reset") if "machine.reset" in board.console.text else 0
    )
    board.console.send(b"\r\x01")
    board.run(_SPI + "while status() & 1: pass")
    assert board.memory.chip()[256:512] == bytes(256)


def test_the_watchdog_bites_and_what_is_backed_up_outlives_that_and_no_cut(board):
    board.run("import machine\nmachine.mem_backup()[0] = 77\ndog = machine.WDT(timeout=300)")
    board.run("import time\nfor _ in range(8):\n    dog.feed()\n    time.sleep_ms(100)")
    assert board.memory.boots == 1
    wait_until(lambda: board.memory.boots == 2, 20, "the watchdog did not bite")
    start = board.console.size
    board.wait((">>> ",), 20, max(0, start - 8))
    board.console.send(b"\r\x01")
    time.sleep(0.2)
    asked = "import machine\nprint(machine.reset_cause() == machine.WDT_RESET, machine.mem_backup()[0])"
    assert board.run(asked).strip() == "True 77"
    board.on()
    assert board.run("import machine\nprint(machine.mem_backup()[0], machine.reset_cause())").strip() == "0 1"


def test_a_steady_board_is_as_fast_as_its_clock_says_and_its_waits_are_real(firmware, tmp_path):
    source = (
        "import time, machine\ndef f(n):\n    a = time.ticks_cpu()\n    for _ in range(n): pass\n"
        "    return time.ticks_cpu() - a\nf(10)\nprint(f(101000) - f(1000))"
    )
    with Microcontroller(tmp_path, firmware, Settings(64 << 10, repl=True), steady=True) as board:
        board.on()
        assert 20 < int(board.run(source)) * STEADY_INSTRUCTIONS / 100000 < 400  # as where they are counted
        before, begun = board.memory.elapsed_ms, time.monotonic()
        board.run("time.sleep_ms(500)\ntime.ticks_ms()")
        assert time.monotonic() - begun >= 0.4
        waited = board.memory.elapsed_ms - before
        assert waited >= 500
        board.console.send(b"machine.reset()\x04")
        wait_until(lambda: board.memory.boots == 2, 20, "the board did not start again")
        board.wait((">>> ",), 20, board.console.size - 8)
        assert board.memory.elapsed_ms >= before + waited, "it counts over resets"


def test_instructions_are_counted_the_same_each_time(firmware, tmp_path):
    source = (
        "import time\ndef f(n):\n    a = time.ticks_cpu()\n"
        "    for _ in range(n): pass\n    return time.ticks_cpu() - a\nf(10)\n"
    )
    counts = []
    with Microcontroller(tmp_path, firmware, Settings(64 << 10, repl=True), counted=True) as board:
        for _ in range(2):
            board.on()
            small, large = board.run(source + "print(f(1000), f(11000))").split()
            counts.append((int(large) - int(small)) * TICK_INSTRUCTIONS / 10000)
    assert 20 < counts[0] < 400  # instructions of an empty turn
    assert abs(counts[0] - counts[1]) < 1
