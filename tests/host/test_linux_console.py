"""The console of a Linux board: socket and serial line, with people who read nothing, say too much, or nothing at all."""

import os
import random
import select
import socket
import stat
import sys
import time

import pytest

from agent.errors import LinkError
from ports.cpython_linux.console import Console, Lines
from ports.cpython_linux.port import log_to_stderr

TURN_S = 0.5  # more than any turn takes


class Line:
    """A serial line: `typed` is what comes from it."""

    def __init__(self, typed=b"", endless=False):
        self.typed, self.sent, self.endless, self.broken, self.reads = typed, b"", endless, False, 0

    def read_into(self, into):
        self.reads += 1
        if self.broken:
            raise LinkError("the line is gone")
        data = b"\xff" * len(into) if self.endless else self.typed[: len(into)]
        self.typed = self.typed[len(data) :]
        into[: len(data)] = data
        return len(data)

    def write(self, data):
        if self.broken:
            raise LinkError("the line is gone")
        self.sent += data

    def fileno(self):
        return 0


class Bench:
    """A console at a socket, and what it logs."""

    def __init__(self, folder, uart=None):
        self.path, self.logged = str(folder / "console"), []
        self.console = Console(uart, self.path, lambda text, *words: self.logged.append(text % words))

    def connect(self):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(5)
        line.connect(self.path)
        return line

    def typed(self):
        """Return the words of one turn, which must not take long."""
        begun = time.monotonic()
        found = self.console.take()
        assert time.monotonic() - begun < TURN_S
        return [words for words, _ in found]


@pytest.fixture
def bench(tmp_path):
    found = Bench(tmp_path)
    yield found
    found.console.close()


# -- lines ---------------------------------------------------------------------------------------------------------------


def test_lines_come_whole_in_pieces_and_in_bunches():
    text = b"status\r\nyes\n\n  no  way \rconfirm\n"
    wanted = [["status"], ["yes"], ["no", "way"], ["confirm"]]
    assert Lines().feed(text) == wanted
    lines = Lines()
    assert [words for byte in text for words in lines.feed(bytes([byte]))] == wanted


def test_lines_that_are_none():
    lines = Lines()
    assert lines.feed(b"x" * 100000) == [] and len(lines._text) <= 200
    assert len(lines.feed(b"\n")[0][0]) <= 200
    for data in (bytes(range(256)) * 4, random.Random(3).randbytes(5000)):
        for words in lines.feed(data):
            assert all(isinstance(word, str) for word in words)


# -- the socket ----------------------------------------------------------------------------------------------------------


def test_only_the_owner_may_connect(bench):
    assert stat.S_IMODE(os.stat(bench.path).st_mode) == 0o600


def test_who_asks_is_answered_and_everybody_hears(bench):
    one, other = bench.connect(), bench.connect()
    one.sendall(b"status\n")
    ((words, answer),) = bench.console.take()
    answer("fine")
    bench.console.say("state", 10)
    assert words == ["status"] and one.recv(99) == b"fine\nstate 10\r\n" and other.recv(99) == b"state 10\r\n"
    assert bench.logged == ["state 10"]


def test_who_waits_when_something_is_said_hears_it(bench):
    line = bench.connect()
    bench.console.say("boot")
    assert line.recv(99) == b"boot\r\n"


def test_who_goes_is_forgotten(bench):
    line = bench.connect()
    line.sendall(b"status\nyes")
    ((_, answer),) = bench.console.take()
    line.close()
    assert bench.typed() == [] and len(bench.console.files) == 1
    answer("nobody hears this")


def test_a_client_that_only_closes_its_writing_is_answered(bench):
    line = bench.connect()
    line.sendall(b"status\n")
    line.shutdown(socket.SHUT_WR)
    ((_, answer),) = bench.console.take()
    answer("fine")
    assert line.recv(99) == b"fine\n"


def test_a_reader_that_does_not_read_is_let_go(bench):
    slow, quick = bench.connect(), bench.connect()
    bench.typed()
    for _ in range(20000):
        bench.console.say("progress", 12345678)
        quick.recv(1 << 16)
        if len(bench.console.files) == 2:
            break
    assert len(bench.console.files) == 2
    bench.console.say("still")
    assert quick.recv(99) == b"still\r\n"
    slow.close()


def test_a_flood_takes_a_bounded_part_of_each_turn(bench):
    line = bench.connect()
    line.setblocking(False)
    sent = 0
    for _ in range(50):
        try:
            sent += line.send(b"a\n" * 5000)
        except BlockingIOError:
            pass
        assert len(bench.typed()) <= 128
    assert sent > 10000


def test_people_who_say_nothing_keep_nobody_out(bench):
    idle = [bench.connect() for _ in range(4)]
    bench.typed()
    late = bench.connect()
    late.sendall(b"status\n")
    assert bench.typed() == [["status"]]
    assert idle[0].recv(1) == b"" and len(bench.console.files) == 5
    many = []
    for _ in range(40):
        many.append(bench.connect())
        bench.typed()
    assert len(bench.console.files) == 5
    assert not select.select(bench.console.files[:1], [], [], 0)[0], "nobody waits: the loop may rest"


def test_bytes_that_are_no_text(bench):
    line = bench.connect()
    line.sendall(random.Random(5).randbytes(4000) + b"\nstatus\n")
    seen = [words for _ in range(40) for words in bench.typed()]
    assert seen[-1] == ["status"]


def test_words_of_a_server_cannot_steer_a_terminal(bench):
    line = bench.connect()
    bench.console.say("question", 1101, "\x1b[2Jsure?\x9b\r\nresult 200 \u20ac \udc80")
    assert line.recv(99).decode() == "question 1101 ?[2Jsure????result 200 \u20ac ?\r\n"


@pytest.mark.parametrize("what", ["stale", "link", "file"])
def test_what_lies_in_its_place_is_replaced(tmp_path, what):
    path = tmp_path / "console"
    if what == "stale":
        with socket.socket(socket.AF_UNIX) as old:
            old.bind(str(path))
    elif what == "link":
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.write_text("x")
    bench = Bench(tmp_path)
    bench.connect().sendall(b"yes\n")
    assert bench.typed() == [["yes"]] and not bench.logged
    bench.console.close()


def test_no_socket_no_harm(tmp_path):
    bench = Bench(tmp_path / "none")
    assert "there is no console at" in bench.logged[0] and bench.console.files == []
    bench.console.say("boot")
    assert bench.typed() == []


# -- the serial line -----------------------------------------------------------------------------------------------------


def test_the_serial_line(tmp_path):
    line = Line(b"status\ryes\r")
    bench = Bench(tmp_path, line)
    assert bench.typed() == [["status"], ["yes"]]
    bench.console.say("boot", 1)
    assert line.sent == b"boot 1\r\n" and bench.console.files[0] is line


def test_a_serial_line_that_never_stops(tmp_path):
    line = Line(endless=True)
    bench = Bench(tmp_path, line)
    for _ in range(20):
        assert bench.typed() == []
    assert line.reads <= 200


@pytest.mark.parametrize("by", ["reading", "saying"])
def test_a_serial_line_that_goes_is_given_up_once(tmp_path, by):
    line = Line()
    bench = Bench(tmp_path, line)
    line.broken = True
    for _ in range(3):
        bench.typed() if by == "reading" else bench.console.say("x")
    assert sum("given up" in text for text in bench.logged) == 1 and line not in bench.console.files


# -- the log -------------------------------------------------------------------------------------------------------------


class Broken:
    """A journal that has gone."""

    def __init__(self, error):
        self._error = error

    def write(self, text):
        raise self._error

    flush = write


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file"), OSError(28, "full")])
def test_a_log_that_nobody_takes_ends_nothing(monkeypatch, error):
    monkeypatch.setattr(sys, "stderr", Broken(error))
    log_to_stderr("state %d", 10)


def test_a_line_of_the_log_is_one(capsys):
    log_to_stderr("%s", "one\ntwo")
    log_to_stderr("100%")
    assert capsys.readouterr().err == "one two\n100%\n"
