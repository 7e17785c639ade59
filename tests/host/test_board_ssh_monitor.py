"""`fumo monitor` on a Linux board, and the real `fumo-agent` at the socket of a real console: by a real sshd on loopback."""

import json
import select
import subprocess
import sys
import threading
import time

import pytest

from flash_tools.boards import board_ssh
from flash_tools.boards.board_control import command, status
from flash_tools.errors import RefusedError, SilentError
from flash_tools.target import parse
from ports.cpython_linux.console import Console
from tests.host.child import Child
from tests.host.kill_server import ROOT
from tests.host.linux_over_ssh import BOARD, FACTS, board, ssh_board

__all__ = ["board", "ssh_board"]
WAIT_S = 20
COMING_BACK = """
n=$(cat %(place)s/n 2>/dev/null)
echo 1$n > %(place)s/n
[ "$n" != 1 ] || { echo "the agent does not answer" >&2; exit 3; }
echo "listening at x" >&2
echo run $n
[ -z "$n" ] || sleep 30
"""
REAL = """#!/bin/sh
cd %s && exec %s -c 'import sys
from ports.cpython_linux import first_stage
first_stage.RUN = "%s"
from ports.cpython_linux.__main__ import main
sys.exit(main())' "$@"
"""


def test_the_monitor_ends_with_its_ssh_and_comes_back(board, tmp_path):
    """A stand-in whose first run ends, and whose second finds no agent yet: the monitor says so, and is there for the third."""
    board.put("fumo-agent", COMING_BACK % {"place": tmp_path})
    words = [sys.executable, "-m", "flash_tools", "monitor", "-b", BOARD, "--until", "run 11", "--timeout", "20"]
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
    agent = Agent(tmp_path)
    with Child(["sh", str(script), "monitor"], stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, text=True) as tool:
        with agent:
            assert "listening at" in tool.stderr.readline()
            until(lambda: len(agent.console.files) == 2)
            agent.console.say("idle")
            assert tool.stdout.readline() == "idle\n"
        assert "waiting for it" in tool.stderr.readline()
        with Agent(tmp_path, awaited=True):
            assert tool.stdout.readline().startswith("boot 1")
            tool.stdout.close()
            assert tool.wait(10) == 0
    done = subprocess.run(["sh", str(script), "monitor"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 3 and "is the service running" in done.stderr and done.stderr.count("\n") == 1
