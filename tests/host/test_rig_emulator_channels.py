"""The channels to the emulated board, each against a stand-in: control, serial, QEMU's own, pins; and no process left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
import serial

from flash_tools.errors import SilentError, ToolError, UsageError
from flash_tools.rig.emulator import board_files, launch
from flash_tools.rig.emulator.control import Control, GuestError
from flash_tools.rig.emulator.gpio_lines import GpioLines
from flash_tools.rig.emulator.qmp import Qmp
from flash_tools.rig.emulator.serial_relay import SerialRelay

LIMIT_S = 20


# -- Python on the board: the guest's own daemon, here on a pseudo-terminal --------------------------------------------


@pytest.fixture
def guest():
    """Give (control, start) where start() is the board's daemon coming up, as after a reset."""
    relay, (ours, theirs), running = SerialRelay(), socket.socketpair(), []
    relay.connect(ours)
    control = Control(theirs)

    def start():
        running.append(
            subprocess.Popen([sys.executable, "-S", os.fspath(board_files.GUEST / "control.py"), relay.path])
        )
        return running[-1]

    yield control, start
    for process in running:
        process.kill()
        process.wait()
    relay.close()
    control.close()


def test_python_runs_on_the_board_and_names_stay(guest):
    control, start = guest
    start()
    assert control.run("import sys\nx = 6 * 7\nprint('hello', x)", LIMIT_S) == "hello 42\n" and control.boots == 1
    assert control.run("    if x:\n        print(x)\n", LIMIT_S) == "42\n", "indented source is fine"
    assert len(control.run("print('y' * 100000)", LIMIT_S)) == 100001


def test_an_exception_on_the_board_is_one_line_with_its_traceback_aside(guest):
    control, start = guest
    start()
    with pytest.raises(GuestError, match="^the board's Python ended with ValueError: no$") as caught:
        control.run("print('before')\nraise ValueError('no\\nsuch')", LIMIT_S)
    assert "\n" not in str(caught.value) and caught.value.printed == "before\n" and "line 2" in caught.value.trace
    with pytest.raises(GuestError, match="SystemExit"):
        control.run("raise SystemExit(3)", LIMIT_S)
    with pytest.raises(GuestError, match="SyntaxError"):
        control.run("x =", LIMIT_S)
    assert control.run("print(1)", LIMIT_S) == "1\n"


def test_what_runs_too_long_is_ended_on_the_board(guest):
    control, start = guest
    start()
    with pytest.raises(GuestError, match="TimeoutError: it took too long"):
        control.run("while True: pass", 1)
    assert control.run("print(2)", LIMIT_S) == "2\n"


def test_a_reset_in_the_middle_is_noticed(guest):
    control, start = guest
    first = start()
    control.wait_boot(1, LIMIT_S)

    def reset():
        first.kill()
        first.wait()
        start()

    timer = threading.Timer(0.3, reset)
    timer.start()
    with pytest.raises(SilentError, match="reset before it answered"):
        control.run("import time\ntime.sleep(30)", LIMIT_S)
    timer.join()
    assert control.run("print(3)", LIMIT_S) == "3\n" and control.boots == 2


def test_a_board_that_says_nothing_is_not_waited_for(guest):
    control, _ = guest
    with pytest.raises(SilentError, match="did not come up within 0.2 s"):
        control.run("print(1)", 0.2)


def test_a_board_without_power_is_said_at_once():
    ours, theirs = socket.socketpair()
    control = Control(ours)
    theirs.close()
    with pytest.raises(SilentError, match="has no power"):
        control.run("print(1)", LIMIT_S)
    control.close()


def test_noise_on_the_channel_is_passed_over():
    ours, theirs = socket.socketpair()
    control = Control(ours)
    theirs.sendall(b"\0\xff half a line !1 e!0 e30=\n!x y\n!5\n\n!0 !!!\n!0 e30=\n")
    control.wait_boot(2, LIMIT_S)
    assert control.boots == 2
    theirs.close()
    control.close()


# -- the serial line ---------------------------------------------------------------------------------------------------


def test_the_serial_line_keeps_its_path_while_the_power_comes_and_goes():
    relay = SerialRelay()
    port = serial.Serial(relay.path, 115200, timeout=LIMIT_S)
    port.write(b"nobody hears this\n")
    for word in (b"first\n", b"second\n"):
        ours, board = socket.socketpair()
        board.settimeout(LIMIT_S)
        relay.connect(ours)
        port.write(word)
        with board.makefile("rb") as file:
            assert word in file, "what was written without power may come first"
        board.sendall(word + bytes(range(256)))
        assert port.read(len(word) + 256) == word + bytes(range(256)), "every byte comes as it is"
        board.close()
        relay.connect(None)
    port.close()
    relay.close()
    assert not os.path.exists(relay.path)


def test_a_host_that_reads_slowly_loses_nothing():
    relay, (ours, board) = SerialRelay(), socket.socketpair()
    relay.connect(ours)
    sent = bytes(range(256)) * 400
    sender = threading.Thread(target=board.sendall, args=(sent,))
    with serial.Serial(relay.path, 115200, timeout=LIMIT_S) as port:
        sender.start()
        assert port.read(len(sent)) == sent
    sender.join()
    relay.close()
    board.close()


def test_a_line_that_nobody_reads_does_not_hold_up_the_board():
    relay, (ours, board) = SerialRelay(), socket.socketpair()
    relay.connect(ours)
    board.settimeout(LIMIT_S)
    for _ in range(100):
        board.sendall(bytes(4096))
    relay.close()
    board.close()


# -- QEMU's own channel ------------------------------------------------------------------------------------------------


def fake_qemu(channel, answers):
    """Speak QMP: greet, then answer each command by what `answers` has for it; None closes."""

    def serve():
        with suppress(OSError), channel, channel.makefile("rwb") as file:
            file.write(b'{"QMP": {"version": {}}}\n')
            file.flush()
            for line in file:
                answer = answers.get(json.loads(line)["execute"], [{"return": {}}])
                if answer is None:
                    return
                file.write(b"".join(json.dumps(each).encode() + b"\n" for each in answer))
                file.flush()

    threading.Thread(target=serve, daemon=True).start()


@pytest.fixture
def qmp():
    ours, theirs = socket.socketpair()
    refusal = [{"error": {"class": "GenericError", "desc": "no such thing"}}]
    reset = [{"event": "RESET"}, {"return": {"done": 1}}, {"event": "RESET"}]
    fake_qemu(theirs, {"bad": refusal, "reset": reset, "quit": None})
    heard = []
    found = Qmp(ours, heard.append)
    found.heard = heard
    yield found
    found.close()


def test_commands_are_answered_and_events_counted(qmp):
    assert qmp.command("reset") == {"done": 1}
    qmp.wait_event("RESET", 2, LIMIT_S)
    assert qmp.seen("RESET") == 2 and qmp.seen("WATCHDOG") == 0 and qmp.heard == ["RESET", "RESET"]
    with pytest.raises(ToolError, match="^QEMU refused bad: no such thing$"):
        qmp.command("bad")
    with pytest.raises(SilentError, match="told of 2 RESET within 0.1 s, not of 3"):
        qmp.wait_event("RESET", 3, 0.1)


def test_the_end_of_qemu_ends_the_waiting(qmp):
    begun = time.monotonic()
    with pytest.raises(SilentError):
        qmp.command("quit")
    with pytest.raises(SilentError):
        qmp.wait_event("RESET", 1, LIMIT_S)
    assert time.monotonic() - begun < 5
    qmp.stop()


def test_pins_are_driven_and_read_by_the_registers():
    ours, theirs = socket.socketpair()
    told = []

    def serve():
        with theirs, theirs.makefile("rwb") as file:
            for line in file:
                told.append(line.decode().strip())
                value = {"readl 0x20a0004": "0x40000", "readl 0x20a0000": "0x60000"}.get(told[-1])
                file.write(
                    ("OK %s\n" % value if value else "FAIL unknown\n" if "gpio7" in told[-1] else "OK\n").encode()
                )
                file.flush()

    threading.Thread(target=serve, daemon=True).start()
    lines = GpioLines(ours)
    lines.drive(1, 17, True)
    assert told == ["set_irq_in /machine/soc/gpio2 unnamed-gpio-in 17 1"]
    assert lines.output(1, 18) is True and lines.output(1, 17) is None
    with pytest.raises(ToolError, match="QEMU refused"):
        lines.drive(6, 0, False)
    for chip, number in ((7, 0), (0, 32), (-1, 0)):
        with pytest.raises(UsageError, match="is not there"):
            lines.drive(chip, number, True)
    lines.close()
    with pytest.raises(SilentError):
        lines.drive(0, 0, True)


# -- processes ---------------------------------------------------------------------------------------------------------

STARTER = """
import threading, time
from flash_tools.rig.emulator import launch
found = []
thread = threading.Thread(target=lambda: found.append(launch.start(["sleep", "60"])))
thread.start()
thread.join()
print(found[0].pid, flush=True)
time.sleep(60)
"""


def alive(pid):
    """Tell whether there is such a process that still runs."""
    with suppress(OSError), open("/proc/%d/stat" % pid) as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_a_child_outlives_the_thread_that_asked_for_it_but_not_the_process():
    starter = subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True)
    try:
        child = int(starter.stdout.readline())
        time.sleep(0.2)  # long enough for a signal to come that must not come
        assert alive(child)
    finally:
        starter.send_signal(signal.SIGKILL)
        starter.wait()
        starter.stdout.close()
    end = time.monotonic() + LIMIT_S
    while alive(child):
        assert time.monotonic() < end, "the child is left behind"
        time.sleep(0.02)


def test_what_cannot_be_started_is_an_error_of_the_caller():
    with pytest.raises(OSError):
        launch.start(["true"], cwd="/no/such/folder")
