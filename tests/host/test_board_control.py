"""`fumo status` and what the owner has done: boards that run, on their console."""

import json
from types import SimpleNamespace

import pytest

from flash_tools.boards import board_control
from flash_tools.boards.board_control import command, exit_code, status
from flash_tools.cli import sim as cli_sim
from flash_tools.errors import BusyError, RefusedError, UsageError
from flash_tools.sim import sim_process
from flash_tools.sim.sim_process import SimProcess
from tests.host.fumo_inside import inside
from tests.host.owned_boards import Puppet, running, two_banks
from tests.host.sim_devices import INTERPRETERS, QUICK, TIMEOUT_S, needs

LONG = ("--notify-port", 0, "--trial-s", 300)
QUIET = {"live": True, "trial": False, "phase": "idle", "state": 10, "code": 0}


@pytest.fixture
def fumo(capsys, monkeypatch):
    """Give what runs a command: `fumo(*words, code=0)`."""

    def run(*words, code=0):
        out, err = inside(capsys, monkeypatch, *words, code=code)
        return SimpleNamespace(stdout=out, stderr=err)

    return run


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_board_says_how_it_is(tmp_path, fumo, interpreter):
    with running(two_banks(tmp_path / "dev"), micropython=needs(interpreter)) as (_, board):
        told = json.loads(fumo("status", "-b", board, "--json").stdout)
        shown = fumo("status", "-b", board).stdout
    found = told["status"]
    assert told["ok"] and told["exit_code"] == 0 and found["live"] and found["boot"] == 1
    assert (found["product"], found["device"], found["version"], found["counter"]) == ("bench", "sim:1", "1.0", 5)
    assert [(bank["state"], bank["version"]) for bank in found["banks"]] == [("runs", "1.0"), ("spare", "2.0")]
    assert "10, idle" in shown and "1.0 in bank 0" in shown and "runs" in shown


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_back_and_forth_over_the_console(tmp_path, fumo, interpreter):
    """Try the other firmware, keep it by the owner's word, go back to the first one, and let that trial end by itself."""
    files = two_banks(tmp_path / "dev", counter=5)
    with running(files, micropython=needs(interpreter), quick=LONG) as (process, board):
        assert "no firmware is on trial" in fumo("confirm", "-b", board, code=6).stderr
        assert "no firmware is on trial" in fumo("confirm", "-b", board, "--dry-run", code=6).stderr
        assert "would be done" in fumo("rollback", "-b", board, "--dry-run").stderr
        fumo("rollback", "-b", board)
        process.wait_for("boot 2 bank 1 trial version 2.0", TIMEOUT_S)
        process.wait_for("state 60", TIMEOUT_S, len(process.lines) - 1)
        assert "on trial" in fumo("status", "-b", board, code=11).stdout
        assert "trial" in fumo("factory-reset", "-b", board, "--yes", code=6).stderr
        assert "trial" in fumo("factory-reset", "-b", board, "--dry-run", code=6).stderr
        done = json.loads(fumo("confirm", "-b", board, "--json").stdout)
        assert done["live"] and done["ok"]
        found = json.loads(fumo("status", "-b", board, "--json").stdout)["status"]
        assert found["confirmed"] == 1 and not found["trial"] and found["code"] == 200
        fumo("rollback", "-b", board)
        process.wait_for("boot 3 bank 0 trial version 1.0", TIMEOUT_S)
        process.wait_for("state 60", TIMEOUT_S, len(process.lines) - 1)
        fumo("rollback", "-b", board)
        process.wait_for("boot 4 bank 1 confirmed version 2.0", TIMEOUT_S)
        process.wait_for("state 70", TIMEOUT_S)
        shown = fumo("status", "-b", board, code=8).stdout
        assert "410" in shown and "failed" in shown


def test_a_board_asks_its_server_and_forgets_its_orders(tmp_path, fumo):
    with running(two_banks(tmp_path / "dev")) as (process, board):
        assert "asks its server" in fumo("request-update", "-b", board).stderr
        assert "refuses" in fumo("request-update", "-b", board, code=6).stderr
        fumo("factory-reset", "-b", board, "--dry-run")
        assert not any(line.startswith("boot 2") for line in process.lines)
        assert "say --yes" in fumo("factory-reset", "-b", board, code=2).stderr
        fumo("factory-reset", "-b", board, "--yes")
        process.wait_for("boot 2 bank 0 confirmed", TIMEOUT_S)


def test_an_older_counter_is_refused(tmp_path, fumo):
    with running(two_banks(tmp_path / "dev", counter=4)) as (_, board):
        assert "security counter 4 is below 5" in fumo("rollback", "-b", board, code=6).stderr


def test_a_simulated_board_without_a_line_is_read_from_its_file(tmp_path, fumo):
    files = two_banks(tmp_path / "dev")
    assert "does not run" in fumo("status", "-b", "sim:%s" % files.folder).stdout
    with running(files) as (_, board):
        assert status(board)["live"]
    assert not status("sim:%s" % files.folder)["live"]


# -- lines that misbehave -----------------------------------------------------------------------------------------------


def at(answer):
    """Return a puppet, and its name as a board."""
    puppet = Puppet(answer)
    return puppet, "serial:" + puppet.path


def test_events_between_question_and_answer_are_stepped_over():
    puppet, board = at(lambda line: b"state 30\r\nstatus of the union\r\nstatu" + b's {"state": 30}\r\n')
    with puppet:
        assert status(board, timeout_s=5)["state"] == 30
    puppet, board = at(lambda line: b'state 30\r\nprogress 16\r\nstatus {"state": 30, "phase": "download"}\r\nidle\r\n')
    with puppet:
        found = status(board, timeout_s=5)
        assert found["state"] == 30 and exit_code(found) == 10
        assert puppet.heard == [b"", b"status"], "an empty line ends what was typed before"


@pytest.mark.parametrize("answer", [b"", b"hello\n", b"\xff" * 300, b"x" * 100000, b"status {", b"\x00\n" * 50])
def test_a_board_that_does_not_answer_is_7_in_time(fumo, answer):
    puppet, board = at(lambda line: answer)
    with puppet:
        done = fumo("status", "-b", board, "--timeout", "0.4", "--json", code=7)
    assert json.loads(done.stdout)["exit_code"] == 7 and len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "answer", [b"status {\n", b"status {]\n", b"status {\xff\xfe}\n", b"status {" + b"[" * 60000 + b"\n"]
)
def test_a_damaged_answer_is_7(fumo, answer):
    puppet, board = at(lambda line: answer)
    with puppet:
        assert "damaged" in fumo("status", "-b", board, "--timeout", "5", code=7).stderr


def test_a_line_that_drops_is_7(fumo):
    puppet, board = at(lambda line: None)
    with puppet:
        done = fumo("rollback", "-b", board, "--timeout", "5", code=7)
    assert "dropped" in done.stderr


def test_firmware_that_does_not_know_the_command(fumo):
    puppet, board = at(lambda line: b"error no such command: " + line + b"\n")
    with puppet:
        assert "too old" in fumo("rollback", "-b", board, "--timeout", "5", code=1).stderr


def test_what_a_hostile_board_says_harms_nobody(fumo):
    text = (
        b'status {"state": [1], "code": {}, "result": "x", "uptime_ms": "y", "banks": [1, {"bank": []}], "version": 5, '
    )
    text += (
        b'"phase": ["trial"], "product": "\\u001b[2J", "model": "a\\nb", "live": false, "trial": "yes", "held": {}}\n'
    )
    puppet, board = at(lambda line: text)
    with puppet:
        shown = fumo("status", "-b", board, "--timeout", "5")
        assert "\x1b" not in shown.stdout and "does not run" in shown.stdout or "runs" in shown.stdout
        refused = at(lambda line: b"refused rollback: \x1b[31mred :x:\n")
    with refused[0]:
        said = fumo("rollback", "-b", refused[1], "--timeout", "5", code=6).stderr
        assert "\x1b" not in said and ":x:" in said


def test_where_there_is_nothing(fumo, tmp_path):
    fumo("status", "-b", "serial:%s" % (tmp_path / "none"), code=3)
    fumo("status", "-b", "file:%s" % (tmp_path / "none"), code=3)
    fumo("status", "-b", "dir:%s" % tmp_path, code=2)
    fumo("status", "-b", "board", code=2)
    fumo("status", code=2)
    for seconds in ("0", "-1", "nan", "4000"):
        fumo("status", "-b", "serial:x", "--timeout", seconds, code=2)


# -- exit codes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts, code",
    [
        ({}, 0),
        ({"state": 90, "code": 200}, 0),
        ({"phase": "report", "state": 90, "code": 200}, 0),
        ({"state": 20, "code": 410}, 0),
        ({"trial": True, "phase": "trial", "state": 60}, 11),
        ({"phase": "arm", "state": 60}, 11),
        ({"phase": "accepted", "state": 50}, 10),
        ({"phase": "download", "state": 30}, 10),
        ({"phase": "ready", "state": 50}, 10),
        ({"state": 50, "code": 200}, 10),
        ({"state": 70, "code": 410}, 8),
        ({"state": 80, "code": 410}, 8),
        ({"phase": "report", "state": 70, "code": 410}, 8),
        ({"fell_back": True}, 8),
        ({"phase": "download", "state": 30, "fell_back": True}, 10),
        ({"state": 80, "code": 409}, 0),
    ],
)
def test_the_exit_code_of_status(facts, code):
    assert exit_code({**QUIET, **facts}) == code


def test_the_functions_do_without_the_command_line(tmp_path):
    board = "sim:%s" % two_banks(tmp_path / "dev").folder
    with pytest.raises(UsageError):
        command(board, "explode")
    with pytest.raises(UsageError):
        command(board, "request-update")
    with pytest.raises(RefusedError):
        command(board, "confirm")
    with pytest.raises(UsageError):
        status("ssh:-x")
    assert board_control.command(board, "factory-reset", dry_run=True).live is False


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_slow_chip_is_asked_in_order(tmp_path, interpreter):
    """A chip that takes its time, and all that is typed at once."""
    files, speed = two_banks(tmp_path / "dev"), ("--speed", 0.3)
    with running(files, *speed, micropython=needs(interpreter), quick=("--notify-port", 0, "--trial-s", 1)) as (
        process,
        _,
    ):
        process.send("\n".join(["status"] * 20 + ["rollback", "factory-reset", "status", "confirm"]))
        process.wait_for("boot 2 bank 1 trial", TIMEOUT_S)
        answers = [line.split("{")[0] for line in process.lines if line.startswith(("status", "done", "refused"))]
        process.wait_for("state 90", TIMEOUT_S)
        process.send("factory-reset")
        process.wait_for("boot 3 bank 1 confirmed version 2.0", TIMEOUT_S)
        process.send("quit")
        assert process.wait(TIMEOUT_S) == 0
    asked = ["status "] * 20 + [
        "done rollback",
        "refused factory-reset: firmware is on trial: confirm it or roll back first",
    ]
    assert answers == [*asked, "status ", "refused confirm: no firmware is on trial"]
    assert not process.errors and not any(line.startswith("defect") for line in process.lines)


def test_a_board_that_runs_without_a_line(tmp_path, fumo):
    """It is not called one that does not run; and nobody takes its line away from one that has one."""
    files = two_banks(tmp_path / "dev")
    board = "sim:%s" % files.folder
    assert "does not run" in fumo("status", "-b", board).stdout
    with SimProcess(sim_process.command(files.flash, files.provision, *QUICK)) as process:
        process.wait_for("listening")
        assert "runs, without a line" in fumo("status", "-b", board).stdout
        found = json.loads(fumo("status", "-b", board, "--json").stdout)["status"]
        assert found["in_use"] and not found["live"]
    with running(files) as (_, board):
        with pytest.raises(BusyError, match="in use"):
            cli_sim._device(0, files.folder, "", False)  # not by `sim run`, which would never end if this went wrong
        assert json.loads(fumo("status", "-b", board, "--json").stdout)["status"]["live"]
