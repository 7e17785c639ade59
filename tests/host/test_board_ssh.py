"""`fumo status`, what the owner has done, and `fumo monitor` on a Linux board: by a real sshd on loopback, with keys of its own.

Most tests put a stand-in for `fumo-agent` onto the board; the last ones have the real one, at the socket of a real console.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time

import pytest

from flash_tools.boards import board_ssh
from flash_tools.boards.board_control import command, status
from flash_tools.errors import NotFoundError, RefusedError, SilentError, ToolError
from flash_tools.target import parse
from ports.cpython_linux.console import Console
from tests.host.child import Child
from tests.host.fumo_inside import inside
from tests.host.kill_server import ROOT
from tests.host.test_deploy_ssh import Server, free_port

BOARD = "ssh:board"
FACTS = {"state": 10, "phase": "idle", "version": "1.0", "device": "SN-1", "bank": 0, "confirmed": 0, "trial": False}
WAIT_S = 20
REAL = """#!/bin/sh
cd %s && exec %s -c 'import sys
from ports.cpython_linux import first_stage
first_stage.RUN = "%s"
from ports.cpython_linux.__main__ import main
sys.exit(main())' "$@"
"""


class Linux:
    """A board: an sshd, and programs on its PATH."""

    def __init__(self, folder):
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.server = Server(folder, "SetEnv PATH=%s:/usr/bin:/bin\n" % self.bin)

    def put(self, name, script):
        """Put a program there."""
        path = self.bin / name
        path.write_text(script if script.startswith("#!") else "#!/bin/sh\n%s\n" % script)
        path.chmod(0o755)

    def clear(self):
        """Take all programs away, and have the host's ssh as it was."""
        for path in self.bin.iterdir():
            path.unlink()
        self.server.configure()


@pytest.fixture(scope="module")
def _board(tmp_path_factory):
    made = Linux(tmp_path_factory.mktemp("board"))
    yield made
    made.server.close()


@pytest.fixture
def board(_board, monkeypatch):
    monkeypatch.setenv("FUMO_SSH", _board.server.command)
    _board.clear()
    return _board


def answering(facts=FACTS, more=""):
    return "echo state 10; echo 'status %s'; %s" % (json.dumps(facts), more)


def test_a_board_says_how_it_is(board, capsys, monkeypatch):
    board.put("fumo-agent", answering())
    told = json.loads(inside(capsys, monkeypatch, "status", "-b", BOARD, "--json")[0])
    assert told["status"]["live"] and told["status"]["device"] == "SN-1" and told["exit_code"] == 0
    shown = inside(capsys, monkeypatch, "status", "-b", BOARD)[0]
    assert "runs" in shown and "1.0 in bank 0" in shown
    board.put("fumo-agent", answering({**FACTS, "trial": True}))
    inside(capsys, monkeypatch, "status", "-b", "ssh:board:/opt/somewhere", code=11)


def test_the_owner_s_commands(board, capsys, monkeypatch):
    board.put("fumo-agent", 'echo "$@" >> %s/asked; echo "done $1"' % board.bin)
    for name in ("confirm", "rollback", "request-update"):
        assert inside(capsys, monkeypatch, name, "-b", BOARD)[1]
    assert "say --yes" in inside(capsys, monkeypatch, "factory-reset", "-b", BOARD, code=2)[1]
    told = json.loads(inside(capsys, monkeypatch, "factory-reset", "-b", BOARD, "--yes", "--json")[0])
    assert told["live"] and told["ok"]
    assert (board.bin / "asked").read_text().split() == ["confirm", "rollback", "request-update", "factory-reset"]
    board.put("fumo-agent", 'echo "refused $1: no \033[31mfirmware is on trial"; exit 6')
    _, said = inside(capsys, monkeypatch, "confirm", "-b", BOARD, code=6)
    assert "firmware is on trial" in said and "\033" not in said


def test_a_rehearsal_only_asks(board):
    board.put("fumo-agent", '[ "$1" = status ] || touch %s/done; ' % board.bin + answering())
    with pytest.raises(RefusedError, match="no firmware is on trial"):
        command(BOARD, "confirm", dry_run=True)
    assert command(BOARD, "rollback", dry_run=True).live
    assert not (board.bin / "done").exists()


@pytest.mark.parametrize(
    ("script", "error", "text"),
    [
        ("echo 'fumo-agent: the agent does not answer (No such file)' >&2; exit 3", SilentError, "does not answer"),
        ("echo \"fumo-agent: error: argument command: invalid choice: 'status'\" >&2; exit 2", ToolError, "too old"),
        ("echo 'Traceback' >&2; echo 'ValueError: \033[1m' >&2; exit 1", ToolError, "ValueError"),
        ("exit 1", ToolError, "ended with 1"),
        ("true", SilentError, "has not answered"),
        ("echo 'status {\"a\"'", SilentError, "damaged"),
        ("echo status of the union", SilentError, "has not answered"),
    ],
)
def test_an_agent_that_does_not_answer(board, script, error, text):
    board.put("fumo-agent", script)
    with pytest.raises(ToolError, match=text) as caught:
        status(BOARD)
    assert type(caught.value) is error and "\n" not in str(caught.value) and "\033" not in str(caught.value)


@pytest.mark.parametrize("script", ["sleep 30", "yes", "yes >&2", "head -c 100000 /dev/zero; sleep 30"])
def test_the_time_is_bounded_and_so_is_what_comes(board, script):
    board.put("fumo-agent", script)
    began = time.monotonic()
    with pytest.raises(SilentError, match="may have been done"):
        command(BOARD, "rollback", timeout_s=1.5)
    assert time.monotonic() - began < 4


def test_who_is_not_root_goes_by_way_of_sudo(board):
    board.put("id", "echo 1000")
    board.put("fumo-agent", answering())
    board.put("sudo", 'echo with "$@" > %s/asked; shift; exec "$@"' % board.bin)
    assert status(BOARD)["device"] == "SN-1"
    assert (board.bin / "asked").read_text().split() == ["with", "-n", "fumo-agent", "status"]
    for script, error, text in (
        ("echo 'sudo: a password is required' >&2; exit 1", ToolError, "only root may ask .*password"),
        ("echo 'sudo: fumo-agent: command not found' >&2; exit 1", NotFoundError, "no fumo-agent"),
    ):
        board.put("sudo", script)
        with pytest.raises(ToolError, match=text) as caught:
            status(BOARD)
        assert type(caught.value) is error


def test_a_board_without_the_package(board, capsys, monkeypatch):
    for words in (("status",), ("rollback",), ("monitor", "--timeout", "5")):
        _, said = inside(capsys, monkeypatch, *words, "-b", BOARD, code=3)
        assert "install its package" in said and said.count("\n") == 1


def test_ways_that_lead_nowhere(board, capsys, monkeypatch):
    for changes, text in (
        ({"Port": free_port()}, "refused"),
        ({"HostName": "no-such-host.invalid"}, "resolve"),
        ({"IdentityFile": board.bin / "none", "BatchMode": "no"}, "Permission denied"),
        ({"UserKnownHostsFile": "/dev/null", "BatchMode": "no"}, "Host key verification failed"),
    ):
        board.server.configure(**changes)
        for words in (("status",), ("monitor", "--timeout", "5")):
            _, said = inside(capsys, monkeypatch, *words, "-b", BOARD, code=3)
            assert text in said and said.count("\n") == 1, said
    monkeypatch.setenv("FUMO_SSH", "no-such-ssh")
    assert "no no-such-ssh here" in inside(capsys, monkeypatch, "status", "-b", BOARD, code=3)[1]
    inside(capsys, monkeypatch, "status", "-b", "ssh:-oProxyCommand=x", code=2)


def test_a_line_that_hangs_up_is_7(board, capsys, monkeypatch):
    board.server.configure(ProxyCommand="true")
    assert "closed" in inside(capsys, monkeypatch, "status", "-b", BOARD, code=7)[1]
    board.server.configure(ProxyCommand="sleep 30")
    began = time.monotonic()
    inside(capsys, monkeypatch, "status", "-b", BOARD, "--timeout", "1", code=7)
    inside(capsys, monkeypatch, "monitor", "-b", BOARD, "--timeout", "1", code=7)
    assert time.monotonic() - began < 6


def test_the_monitor_ends_with_its_ssh_and_comes_back(board, tmp_path):
    """A stand-in whose first run ends: the monitor says so, and is there again for the second."""
    board.put(
        "fumo-agent",
        "echo 'listening at x' >&2; n=$(cat %(p)s/n 2>/dev/null); echo 1 > %(p)s/n; echo run $n; [ -z $n ] || sleep 30"
        % {"p": tmp_path},
    )
    words = [sys.executable, "-m", "flash_tools", "monitor", "-b", BOARD, "--until", "run 1", "--timeout", "20"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert "line is gone" in done.stderr and "line is back" in done.stderr


def test_a_monitor_gone_wrong(board):
    board.put("fumo-agent", "sleep 30")
    with pytest.raises(SilentError, match="does not answer"):
        board_ssh.Line(parse(BOARD), 0.1, 1)
    board.put("fumo-agent", "true")
    with pytest.raises(SilentError, match="without a word"):
        board_ssh.Line(parse(BOARD), 0.1, 5)


# -- the real fumo-agent ------------------------------------------------------------------------------------------------


class Agent:
    """A console with a socket, and an agent behind it that knows two things."""

    def __init__(self, folder, awaited=False):
        self.heard, self.ends = [], threading.Event()
        self.console = Console(None, str(folder / "console"), lambda *words: None)
        if awaited:
            assert select.select(self.console.files, (), (), WAIT_S)[0]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        self.console.say("boot", 1, "bank 0 confirmed version 1.0 good power")
        while not self.ends.wait(0.01):
            for words, answer in self.console.take():
                self.heard.append(words)
                self.console.say("state", 10)
                answer("status " + json.dumps(FACTS) if words == ["status"] else "refused %s: not now" % words[0])

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.ends.set()
        self._thread.join(5)
        self.console.close()


@pytest.fixture
def real(board, tmp_path):
    board.put("fumo-agent", REAL % (ROOT, sys.executable, tmp_path))
    return tmp_path


def until(true):
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, "it never comes"
        time.sleep(0.02)


def test_the_real_fumo_agent_is_asked(real):
    with pytest.raises(SilentError, match="No such file"):
        status(BOARD)
    with Agent(real) as agent:
        assert status(BOARD)["device"] == "SN-1"
        with pytest.raises(RefusedError, match="not now"):
            command(BOARD, "rollback")
        assert agent.heard == [["status"], ["rollback"]]


def test_the_real_monitor_follows_an_agent_through_its_restart(real):
    """It hears the first line of the next start, and nothing of it is left on the board when the tool is gone."""
    shown = real / "shown"
    words = [sys.executable, "-m", "flash_tools", "monitor", "-b", BOARD, "--raw"]
    with (
        open(shown, "wb") as out,
        Child(words, cwd=ROOT, stdin=-1, stdout=out, stderr=-1, start_new_session=True) as tool,
    ):
        with Agent(real) as agent:
            until(lambda: len(agent.console.files) == 2)
            tool.stdin.write(b"hello\nstatus\n")
            tool.stdin.flush()
            until(lambda: len(agent.heard) == 2)
            agent.console.say("question", "\033[31m\x9b31m\u00e4")
            until(lambda: shown.read_bytes().endswith(b"}\nquestion ?[31m?31m\xc3\xa4\n"))
            assert shown.read_bytes().startswith(b"state 10\nrefused hello: not now\nstate 10\nstatus {")
        with Agent(real, awaited=True) as agent:
            until(lambda: b"\nboot 1 bank 0" in shown.read_bytes())
            tool.kill()
            tool.wait(10)
            until(lambda: len(agent.console.files) == 1)


def test_on_the_board_itself(tmp_path):
    """Typed lines may end before it does; it ends when nobody reads what it says."""
    script = tmp_path / "fumo-agent"
    script.write_text(REAL % (ROOT, sys.executable, tmp_path))
    with Agent(tmp_path) as agent:
        words = ["sh", str(script), "monitor"]
        with Child(words, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, text=True) as tool:
            assert "listening at" in tool.stderr.readline()
            until(lambda: len(agent.console.files) == 2)
            agent.console.say("idle")
            assert tool.stdout.readline() == "idle\n"
            tool.stdout.close()
            assert tool.wait(10) == 0
    done = subprocess.run(["sh", str(script), "monitor"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 3 and "is the service running" in done.stderr and done.stderr.count("\n") == 1
    assert os.listdir(tmp_path)
