"""`fumo status` and what the owner has done on a Linux board: by a real sshd on loopback, with keys of its own.

A stand-in for `fumo-agent` is put onto the board; test_board_ssh_monitor.py has the real one.
"""

import json
import time

import pytest

from flash_tools.boards.board_control import command, status
from flash_tools.errors import NotFoundError, RefusedError, SilentError, ToolError
from tests.host.fumo_inside import inside
from tests.host.linux_over_ssh import BOARD, FACTS, answering, board, ssh_board
from tests.host.test_deploy_ssh import free_port

__all__ = ["board", "ssh_board"]


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


@pytest.mark.parametrize(("script", "timeout_s"), [("sleep 30", 1), ("yes >&2", 1), ("yes", 30)])
def test_the_time_is_bounded_and_so_is_what_comes(board, script, timeout_s):
    board.put("fumo-agent", script)
    began = time.monotonic()
    with pytest.raises(SilentError, match="may have been done"):
        command(BOARD, "rollback", timeout_s=timeout_s)
    assert time.monotonic() - began < 10


def test_what_a_hostile_board_says_harms_nobody(board, capsys, monkeypatch):
    board.put(
        "fumo-agent",
        answering({**FACTS, "state": [1], "banks": [1], "trial": "yes", "device": "\033[2J", "live": False}),
    )
    shown = inside(capsys, monkeypatch, "status", "-b", BOARD)[0]
    assert "\033" not in shown and "state     None" in shown
    board.put("fumo-agent", "head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1")
    with pytest.raises(ToolError, match="xxxx") as caught:
        status(BOARD)
    assert len(str(caught.value)) < 5000


def test_ssh_is_told_not_to_ask(tmp_path, monkeypatch):
    """A stand-in for ssh: what it is given, and what it says of a board that is not there."""
    program = tmp_path / "ssh"
    program.write_text(
        "#!/bin/sh\necho \"$@\" > %s/given\necho 'ssh: port 22: Connection timed out' >&2\nexit 255\n" % tmp_path
    )
    program.chmod(0o755)
    monkeypatch.setenv("FUMO_SSH", "%s -4" % program)
    with pytest.raises(NotFoundError, match="timed out"):
        status("ssh:pi@somewhere")
    given = (tmp_path / "given").read_text()
    assert given.startswith("-4 ") and "-o BatchMode=yes" in given and " pi@somewhere sh -c" in given


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
