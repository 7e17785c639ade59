"""`fumo monitor`: what it shows of a console, what it makes of resets and of what is no text, how it ends."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import tty

import pytest

from flash_tools.boards import monitor as work
from flash_tools.boards.monitor import Monitor
from flash_tools.boards.monitor_words import NEWS
from flash_tools.errors import NotFoundError, SilentError
from flash_tools.sim.sim_serial import SerialCable
from flash_tools.target import parse
from tests.host.child import Child
from tests.host.fumo_inside import inside
from tests.host.owned_boards import running, two_banks
from tests.host.sim_devices import INTERPRETERS, TIMEOUT_S, needs

WAIT_S = 20


class Board:
    """The device's end of a cable, for tests that say themselves what a board says."""

    def __init__(self, link):
        self.cable = SerialCable(link)
        self._file = open(self.cable.device, "r+b", buffering=0)
        tty.setraw(self._file.fileno())

    def say(self, data):
        """Say bytes."""
        self._file.write(data)

    def hear(self, size):
        """Return so many bytes that were sent."""
        data = b""
        while len(data) < size:
            data += self._file.read(size - len(data))
        return data

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()
        self.cable.close()


@pytest.fixture
def board(tmp_path):
    with Board(tmp_path / "serial") as board:
        board.name = "sim:%s" % tmp_path
        yield board


class Watch:
    """A monitor in a thread."""

    def __init__(self, name, **options):
        self.entries, self.bytes, self.typed, self.error = [], b"", queue.SimpleQueue(), None
        self._news = threading.Condition()
        self._monitor = Monitor(parse(name), self._hear, show_bytes=self._take, typed=self.typed)
        self._thread = threading.Thread(target=self._run, args=(options,), daemon=True)
        self._thread.start()

    def _run(self, options):
        try:
            self._monitor.run(**options)
        except Exception as e:
            self.error = e

    def _hear(self, entry):
        with self._news:
            self.entries.append(entry)
            self._news.notify_all()

    def _take(self, data):
        self.bytes += data

    def wait(self, text, count=1):
        """Wait for so many lines with that text; return the last one."""
        deadline = time.monotonic() + WAIT_S
        with self._news:
            while True:
                found = [entry for entry in self.entries if text in entry.line]
                if len(found) >= count:
                    return found[-1]
                assert self._news.wait(deadline - time.monotonic()), [entry.line for entry in self.entries]

    def end(self):
        """Wait for its end."""
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        return [entry.line for entry in self.entries]


def say_until_heard(board, watch, data, text):
    """What nobody takes is lost: say it until it has been heard once."""
    for _ in range(200):
        board.say(data)
        with contextlib.suppress(AssertionError):
            deadline = time.monotonic() + 0.1
            while time.monotonic() < deadline:
                if any(text in entry.line for entry in list(watch.entries)):
                    return
                threading.Event().wait(0.005)
    raise AssertionError("never heard")


# -- a console ----------------------------------------------------------------------------------------------------------


def test_the_text_ends_it(board):
    watch = Watch(board.name, until="result 200", timeout_s=WAIT_S)
    say_until_heard(board, watch, b"state 60\n", "state 60")
    board.say(b"resu")
    board.say(b"lt 200\nidle\n")
    lines = watch.end()
    assert watch.error is None and "result 200" in lines and watch.entries[0].at > 1e9


def test_a_text_that_never_comes_is_7(board):
    watch = Watch(board.name, until="result 200", timeout_s=0.3)
    watch.end()
    assert isinstance(watch.error, SilentError) and "result 200" in str(watch.error)


def test_a_time_alone_is_a_good_end(board):
    watch = Watch(board.name, timeout_s=0.3)
    watch.end()
    assert watch.error is None


def test_what_never_ended_counts_at_the_end(board):
    watch = Watch(board.name, until="login:", timeout_s=2)
    say_until_heard(board, watch, b"x\n", "x")
    board.say(b"login:")
    assert "login:" in watch.end()[-1] and watch.error is None


def test_a_board_that_goes_comes_back(board):
    watch = Watch(board.name, until="the end", timeout_s=WAIT_S)
    say_until_heard(board, watch, b"one\n", "one")
    for count in (1, 2):
        board.cable.cut()
        watch.wait("the line is gone", count)
        watch.wait("the line is back", count)
    say_until_heard(board, watch, b"two\n", "two")
    watch.typed.put("hello")
    assert board.hear(6) == b"hello\n"
    board.say(b"the end\n")
    watch.end()
    assert watch.error is None and [entry.notice for entry in watch.entries].count(True) == 4


def test_a_port_that_is_away_for_a_while(board):
    watch, link = Watch(board.name, until="the end", timeout_s=WAIT_S), board.cable.link
    say_until_heard(board, watch, b"one\n", "one")
    board.cable.link = None
    board.cable.cut()
    watch.wait("the line is gone")
    threading.Event().wait(0.5)
    assert watch.entries[-1].line == "the line is gone: waiting for it to come back" and watch.error is None
    board.cable.link = link
    board.cable.cut()
    watch.wait("the line is back")
    say_until_heard(board, watch, b"the end\n", "the end")
    watch.end()
    assert watch.error is None


def test_a_line_that_was_never_there_is_not_waited_for(tmp_path):
    with pytest.raises(NotFoundError):
        work.watch(parse("serial:%s" % (tmp_path / "none")), print, timeout_s=5)


def test_what_is_typed_is_sent_also_while_the_line_was_away(board):
    watch = Watch(board.name, timeout_s=WAIT_S, until="bye")
    say_until_heard(board, watch, b"one\n", "one")
    watch.typed.put("status")
    assert board.hear(7) == b"status\n"
    board.say(b"bye\n")
    watch.end()


# -- the command ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_simulated_board_on_screen(tmp_path, interpreter):
    files, log = two_banks(tmp_path / "dev"), tmp_path / "console.log"
    with running(files, micropython=needs(interpreter)) as (_, name):
        words = ("--until", "state 90", "--timeout", str(WAIT_S), "--log", str(log))
        with process(name, *words) as child:
            out = child.communicate(b"rollback\n", timeout=TIMEOUT_S)[0].decode()
    assert child.returncode == 0 and "\x1b" not in out
    assert "firmware 2.0 starts from bank 1 on trial" in out and "State 90, the update is done" in out
    shown, kept = out.splitlines(), log.read_text().splitlines()
    assert all(line[2] == ":" and line[8] == "." for line in shown)
    assert len(kept) == len(shown) and any(line.endswith(" state 90") for line in kept) and kept[0][4] == "-"


def test_json_lines(board):
    with process(board.name, "--until", "end", "--timeout", str(WAIT_S), "--json") as child:
        child.stdin.write(b"go\n")
        child.stdin.flush()
        assert board.hear(3) == b"go\n"
        board.say(b"state 60\n\x1b[2J\nend\n")
        told = [json.loads(line) for line in child.communicate(timeout=TIMEOUT_S)[0].splitlines()]
    assert [each["line"] for each in told] == ["state 60", "\ufffd[2J", "end"]
    assert told[0]["text"] == "State 60, update in progress" and told[0]["version"] == 1 and told[0]["kind"] == NEWS


def test_raw_is_all_bytes_and_nothing_else(board):
    watch = Watch(board.name, until="end", timeout_s=WAIT_S)
    say_until_heard(board, watch, b"\x1b[31m\xff\x00go\n", "go")
    board.say(b"end\n")
    watch.end()
    assert watch.bytes.startswith(b"\x1b[31m\xff\x00go\n") and watch.bytes.endswith(b"end\n")


def test_wrong_words(tmp_path, capsys, monkeypatch):
    def monitor(*words, code):
        return inside(capsys, monkeypatch, "monitor", *words, code=code)[1]

    monitor("-b", "file:x", code=2)
    monitor("-b", "serial:x", "--raw", "--json", code=2)
    monitor("-b", "serial:x", "--timeout", "0", code=2)
    monitor("-b", "serial:%s" % (tmp_path / "x"), code=3)
    assert "cannot write" in monitor("-b", "serial:x", "--log", tmp_path, code=1)


def test_two_monitors_do_not_share_a_line(board, capsys, monkeypatch):
    watch = Watch(board.name, timeout_s=WAIT_S, until="end")
    say_until_heard(board, watch, b"one\n", "one")
    inside(capsys, monkeypatch, "monitor", "-b", board.name, "--timeout", "1", code=4)
    board.say(b"end\n")
    watch.end()


def process(name, *words):
    """Return `fumo monitor` as a process of its own, watched through pipes."""
    return Child(
        [sys.executable, "-m", "flash_tools", "monitor", "-b", name, *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip


@pytest.mark.parametrize("environment, coloured", [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals_that_want_them(board, environment, coloured):
    near, far = os.openpty()
    env = {**os.environ, "PYTHONPATH": os.getcwd(), "TERM": "xterm", **environment}
    words = [sys.executable, "-m", "flash_tools", "monitor", "-b", board.name, "--until", "state 60", "--timeout", "20"]
    with Child(words, stdin=subprocess.PIPE, stdout=far, env=env) as child:
        child.stdin.write(b"go\n")
        child.stdin.flush()
        assert board.hear(3) == b"go\n"
        board.say(b"state 60\n")
        assert child.wait(TIMEOUT_S) == 0
    text = os.read(near, 4096)
    os.close(near)
    os.close(far)
    assert b"State 60" in text and (b"\x1b[36m" in text) == coloured


def test_typing_and_the_keyboards_interrupt(board):
    with process(board.name) as child:
        child.stdin.write(b"status\nbutton\n")
        child.stdin.flush()
        assert board.hear(14) == b"status\nbutton\n"
        board.say(b"state 60\n")
        assert b"State 60, update in progress" in child.stdout.readline()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == 130 and b"Traceback" not in err and len(err.splitlines()) == 1


def test_it_ends_although_its_keyboard_is_open(board):
    """A thread that reads there must not keep the process, nor its end from being a clean one."""
    with process(board.name, "--raw", "--until", "end", "--timeout", str(WAIT_S)) as child:
        child.stdin.write(b"go\n")
        child.stdin.flush()
        assert board.hear(3) == b"go\n"
        board.say(b"\x1b[1m\xffend\n")
        assert child.wait(TIMEOUT_S) == 0
        assert child.stdout.read() == b"\x1b[1m\xffend\n" and child.stderr.read() == b""
