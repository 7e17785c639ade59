"""`fumo-agent check`: says what is missing and what to do, asks the hardware where the agent does not run, and writes nothing."""

import fcntl
import os

import pytest

from ports.cpython_linux import check, system
from ports.cpython_linux.__main__ import main
from tests.host.linux_board import Board

MORE = 'UART = None\nEEPROM = (1, 0x50)\nLED = 17\nBUTTON = "gpiochip1:3"\n'
NODES = ("watchdog0", "i2c-1", "gpiochip0", "gpiochip1")


@pytest.fixture
def board(tmp_path, monkeypatch):
    for name in ("reboot", "_hardware_cause"):  # a board of files puts its own in their place
        monkeypatch.setattr(system, name, getattr(system, name))
    found = Board(tmp_path, {})
    found.write_board(more=MORE)
    found.configure({"watchdog": "/dev/watchdog0"})
    (tmp_path / "dev").mkdir()
    for name in NODES:
        (tmp_path / "dev" / name).touch()
    place = tmp_path / str(found.flash).lstrip("/")  # the chip as it is seen below the root of this test
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()
    return found


def look(board):
    run = board.folder / "run"
    return check.main(str(board.etc), str(run), str(board.folder))


def test_all_is_well(board, capsys):
    before = board.flash.read_bytes()
    assert look(board) == 0
    said = capsys.readouterr()
    assert "hardware: answers; product paper, model p" in said.out and not said.err
    assert said.out.count(": there") == 5 and "name paper, watchdog 4000 ms" in said.out
    assert board.flash.read_bytes() == before


@pytest.mark.parametrize(
    "node, name, do",
    [
        ("watchdog0", "WATCHDOG", "dtparam=watchdog=on"),
        ("i2c-1", "EEPROM", "dtparam=i2c_arm=on"),
        ("gpiochip0", "LED", "gpiodetect"),
        ("gpiochip1", "BUTTON", "gpiodetect"),
    ],
)
def test_a_device_that_is_missing(board, capsys, node, name, do):
    (board.folder / "dev" / node).unlink()
    assert look(board) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if ": missing" in line]
    assert line.startswith("%s /dev/%s: missing; " % (name, node)) and do in line


def test_a_device_for_somebody_else(board, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert look(board) == 1
    assert capsys.readouterr().out.count("not for this user") == 5


def test_a_board_that_was_never_provisioned(board, capsys):
    board.spoil("factory", 8192)
    assert look(board) == 1
    assert "never provisioned" in capsys.readouterr().out


@pytest.mark.parametrize("fault", ["raise AgentError('no chip')", "1 / 0"])
def test_hardware_that_does_not_answer(board, capsys, fault):
    more = "\n\nfrom agent.errors import AgentError\n\n\ndef build(port):\n    %s\n" % fault
    board.write_board(more=MORE + more)
    assert look(board) == 1
    said = capsys.readouterr().out
    assert "hardware: " in said and ("no chip" in said or "ZeroDivisionError" in said)


def test_an_agent_that_runs_is_left_alone(board, capsys):
    board.write_board(more=MORE + "\n\ndef build(port):\n    raise SystemExit\n")
    (board.folder / "run").mkdir()
    with open(board.folder / "run" / "lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert look(board) == 0
    assert "the agent runs: `fumo-agent status`" in capsys.readouterr().out


def test_a_board_on_a_disk_names_its_partitions(tmp_path, capsys):
    (tmp_path / "config.toml").write_text('[linux]\nboard = "rpi_tryboot"\n')
    (tmp_path / "dev").mkdir()
    wanted = ("watchdog0", "mmcblk0p2", "mmcblk0p3", "mmcblk0p5", "mmcblk0p6", "mmcblk0p7")
    for name in wanted[:-1]:
        (tmp_path / "dev" / name).touch()
    (tmp_path / "boot" / "select").mkdir(parents=True)
    assert check.main(str(tmp_path), str(tmp_path / "run"), str(tmp_path)) == 1
    said = capsys.readouterr().out
    assert said.count("missing") == 1 and "DISK /dev/mmcblk0p7: missing; see lsblk" in said
    (tmp_path / "dev" / "mmcblk0p7").touch()
    assert check.main(str(tmp_path), str(tmp_path / "run"), str(tmp_path)) == 0
    assert "`fumo doctor` looks closer" in capsys.readouterr().out and not (tmp_path / "run").exists()


def test_no_board_is_78_as_with_run(tmp_path, capsys):
    assert main(["--etc", str(tmp_path), "check"]) == 78
    said = capsys.readouterr()
    assert "%s/config.toml" % tmp_path in said.err and said.err.count("\n") == 1 and not said.out


def test_settings_that_are_wrong(tmp_path, capsys):
    (tmp_path / "config.toml").write_text("[linux]\nboard = 5\n")
    assert main(["--etc", str(tmp_path), "check"]) == 1
    assert "linux.board in %s" % tmp_path in capsys.readouterr().err
