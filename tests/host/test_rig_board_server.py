"""The board server: simulated boards behind a power switch and raw TCP consoles, as labgrid's stock drivers use them."""

import http.client
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from flash_tools.errors import BusyError, NotFoundError, ToolError, UsageError
from flash_tools.rig import boards, goods, serve
from flash_tools.rig.board_server import BoardServer
from flash_tools.rig.sim_board import SimBoard
from flash_tools.rig.wishes import WISHES, Wishes, unpack
from flash_tools.sim.sim_files import FLASH, PROVISION
from tests.host.test_micropython import ROOT

TIMEOUT_S = 20


class Echo:
    """A board that says what was typed, and keeps what was put."""

    notify_port = 1234

    def __init__(self):
        self.runs, self.code, self.put_files, self.on_bytes = False, None, {}, lambda data: None

    def on(self):
        self.runs = True

    def off(self):
        self.runs = False

    close = off

    def write(self, data):
        self.on_bytes(b"typed " + data)

    def put(self, name, data):
        if self.runs:
            raise BusyError("it has power")
        self.put_files[name] = data

    def clear(self):
        self.put_files = {}

    def console(self):
        return ["last line"]

    def banks(self):
        return []


@pytest.fixture
def echo():
    return [Echo(), Echo()]


@pytest.fixture
def server(echo):
    with BoardServer(echo) as server:
        yield server


def ask(server, method, path, body=None):
    request = urllib.request.Request("http://127.0.0.1:%d/%s" % (server.port, path), body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def connect(server, index):
    return socket.create_connection(("127.0.0.1", server.console_ports[index]), TIMEOUT_S)


def read(line, count):
    found = b""
    while len(found) < count:
        data = line.recv(count - len(found))
        if not data:
            break
        found += data
    return found


def until(line, text):
    """Read on until a line begins with the text; return it."""
    with line.makefile("rb") as lines:
        for each in lines:
            if each.startswith(text):
                return each
    raise AssertionError("it never said %r" % text)


def test_power_of_each(server, echo):
    assert ask(server, "GET", "1") == (200, "0")
    assert ask(server, "GET", "1/1") == (200, "1") and [board.runs for board in echo] == [False, True]
    assert ask(server, "PUT", "1", b"0") == (200, "0") and not echo[1].runs
    assert ask(server, "GET", "0/cycle") == (200, "1") and echo[0].runs
    assert server.power_url.format(index=1, value=0) == "http://127.0.0.1:%d/1/0" % server.port
    assert ask(server, "GET", "0/console") == (200, "last line\n") and ask(server, "GET", "0/notify") == (200, "1234")


def test_files_of_a_board_that_is_off(server, echo):
    assert ask(server, "PUT", "0/files/root/etc/x.toml", b"y" * 300000)[0] == 201
    assert echo[0].put_files == {"root/etc/x.toml": b"y" * 300000} and echo[1].put_files == {}
    ask(server, "GET", "0/1")
    assert ask(server, "PUT", "0/files/a", b"") == (409, "it has power")
    ask(server, "GET", "0/0")
    assert ask(server, "DELETE", "0/files")[0] == 200 and echo[0].put_files == {}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "2", 404), ("GET", "x/1", 404), ("GET", "0/files/a", 405), ("DELETE", "0/files/a", 405), ("DELETE", "0", 405),
     ("PUT", "0/files", 405), ("PUT", "0/notify", 405), ("GET", "", 404), ("PUT", "-1/files/a", 404), ("DELETE", "9", 404)],
)  # fmt: skip
def test_wrong_requests_do_nothing(server, echo, method, path, status):
    body = b"1" if method == "PUT" else None
    found = ask(server, method, path, body)
    assert found[0] == status and found[1], found
    assert not any(board.runs or board.put_files for board in echo)


def test_a_body_without_an_end(server, echo):
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
    link.request("PUT", "/0/files/a", headers={"Content-Length": str(1 << 40)})
    assert link.getresponse().status == 413
    link.close()
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as half:
        half.sendall(b"PUT /0/files/a HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
        half.shutdown(socket.SHUT_WR)
        assert half.recv(100) == b""
    assert not echo[0].put_files


def test_consoles_are_each_boards_own(server, echo):
    with connect(server, 0) as one, connect(server, 1) as two:
        one.sendall(b"a\n")
        assert read(one, 8) == b"typed a\n"
        two.sendall(b"b\n")
        assert read(two, 8) == b"typed b\n"
        echo[0].on_bytes(b"said")
        assert read(one, 4) == b"said"


def test_who_comes_later_has_the_line(server, echo):
    """A client whose computer has died must not keep the board."""
    with connect(server, 0) as first:
        first.sendall(b"a\n")
        assert read(first, 8) == b"typed a\n"
        with connect(server, 0) as second:
            second.sendall(b"b\n")
            assert read(second, 8) == b"typed b\n"
            assert first.recv(10) == b""
            first.close()
            echo[0].on_bytes(b"on")
            assert read(second, 2) == b"on", "the first one's end is not the second one's"


def test_what_nobody_takes_is_lost(server, echo):
    echo[0].on_bytes(b"nobody hears that")
    with connect(server, 0) as line:
        line.sendall(b"a\n")
        assert read(line, 8) == b"typed a\n"


def test_a_port_that_somebody_has(echo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for options in ({"port": port}, {"console_port": port}):
            with pytest.raises(ToolError, match="cannot listen at 127.0.0.1 port %d: " % port) as caught:
                BoardServer(echo, **options)
            assert "\n" not in str(caught.value)


# -- a simulated board behind it ---------------------------------------------------------------------------------------


def test_a_simulated_board(tmp_path):
    made = goods.make("sim", device_id="sim:7")
    board = boards.make("sim", tmp_path / "board")
    with BoardServer([board]) as server:
        assert ask(server, "GET", "0/1")[0] == 404 and "renew it first" in ask(server, "GET", "0/1")[1]
        for name, data in made.files({}, Wishes(user="yes")).items():
            assert ask(server, "PUT", "0/files/" + name, data)[0] == 201
        assert ask(server, "PUT", "0/files/../evil", b"")[0] == 404 and not (tmp_path / "evil").exists()
        with connect(server, 0) as line:
            assert ask(server, "GET", "0/1") == (200, "1")
            assert b"confirmed version 1.0" in until(line, b"boot 1 ")
            assert until(line, b"listening").endswith(b"\r\n"), "lines end as those of a terminal do"
            line.sendall(b"\r\n")
            board.write(b"sta")
            board.write(b"tus\r\n")
            assert b'"bank": 0' in until(line, b"status ")
            assert ask(server, "GET", "0/0") == (200, "0") and ask(server, "GET", "0/1") == (200, "1")
            assert until(line, b"boot 1 "), "the line outlives the power"
        assert ask(server, "PUT", "0/files/" + FLASH, b"")[0] == 409
        assert '"runs"' in ask(server, "GET", "0/banks")[1]
    assert not board.runs, "the server's end takes the power"


def test_files_and_wishes(tmp_path):
    made = goods.make("sim")
    wishes = Wishes(xml=True, user="no", trial_s=3, poll_s=7, words=("--small",))
    files = made.files({}, wishes)
    assert set(files) == {FLASH, PROVISION, WISHES} == set(SimBoard.files) and unpack(files[WISHES]) == wishes
    words = wishes.options()
    for option, value in (("--user", "no"), ("--trial-s", "3"), ("--poll-s", "7"), ("--notify-port", "0")):
        assert words[words.index(option) + 1] == value
    assert words[-2:] == ["--xml", "--small"] and "--wbxml" in Wishes().options()
    assert made.files({}, wishes)[PROVISION] != files[PROVISION], "another board, another key"
    assert made.update("2.0").startswith(made.update("2.0")[:4])


def test_boards_that_cannot_be(tmp_path):
    for kind in ("linux", "toaster"):
        with pytest.raises(UsageError, match=kind):
            boards.make(kind, tmp_path)
    with pytest.raises(UsageError, match="toaster"):
        goods.make("toaster")
    for data in (b"", b"[]", b"{", b'{"colour": "red"}', b"\xff"):
        with pytest.raises(ToolError, match="renew the board"):
            unpack(data)
    board = boards.make("sim", tmp_path / "b")
    with pytest.raises(NotFoundError, match="renew it first"):
        board.on()
    with pytest.raises(NotFoundError, match="no file x"):
        board.put("x", b"")
    board.put(FLASH, b"1")
    board.clear()
    assert not (tmp_path / "b" / FLASH).exists()


# -- the program -------------------------------------------------------------------------------------------------------


def test_the_program(tmp_path):
    words = [sys.executable, "-m", "flash_tools.rig.serve", "sim", "--boards", "2", "--port", "0", "--consoles", "0"]
    process = subprocess.Popen([*words, "--folder", str(tmp_path / "b")], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        lines = [process.stdout.readline().strip() for _ in range(4)]
        assert (
            lines[0].startswith("power http://127.0.0.1:")
            and lines[0].endswith("/{index}/{value}")
            and lines[3] == "ready"
        )
        assert [line.split(":")[0] for line in lines[1:3]] == ["0 console 127.0.0.1", "1 console 127.0.0.1"]
        url = lines[0].split()[1]
        with urllib.request.urlopen(url.format(index=1, value="").rstrip("/"), timeout=TIMEOUT_S) as answer:
            assert answer.read() == b"0"
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0 and (tmp_path / "b-1").is_dir()


@pytest.mark.parametrize(("words", "code"), [(["nowhere"], 3), (["bench"], 2)])
def test_the_program_says_what_is_wrong(tmp_path, monkeypatch, capsys, words, code):
    monkeypatch.chdir(tmp_path)
    assert serve.main([*words, "--port", "0", "--consoles", "0"]) == code
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
