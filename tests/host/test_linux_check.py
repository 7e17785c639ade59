"""`fumo-agent check`: says what is missing and what to do, asks the hardware where the agent does not run, and writes nothing."""

import fcntl
import os
from types import SimpleNamespace

import pytest

from ports.cpython_linux import access, check, system
from ports.cpython_linux.__main__ import main
from tests.host.linux_board import Board

MORE = 'UART = None\nEEPROM = (1, 0x50)\nLED = 17\nBUTTON = "gpiochip1:3"\n'
NODES = ("watchdog0", "i2c-1", "gpiochip0", "gpiochip1")


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    """This machine may have the service's user, or not."""
    monkeypatch.setattr(access, "service_user", lambda: None)


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


def test_as_root_the_user_of_the_service_counts(board, capsys, monkeypatch):
    """Root may open everything, which says nothing about the service."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(access, "service_user", lambda: ("fumo-agent", 4711, (4712,)))
    for node in (board.folder / "dev").iterdir():
        node.chmod(0o666)
    (board.folder / str(board.flash).lstrip("/")).chmod(0o666)
    (board.folder / "dev/watchdog0").chmod(0o600)
    assert look(board) == 1
    said = capsys.readouterr().out
    assert said.count(": there") == 4
    assert "WATCHDOG /dev/watchdog0: not for fumo-agent, the user of the service; let the package's udev rules" in said


@pytest.mark.parametrize(("mode", "do"), [(0o660, "usermod -aG GROUP fumo-agent"), (0o640, "udevadm trigger")])
def test_what_gives_a_device_to_the_service(mode, do):
    import grp

    group = next(group for group in grp.getgrall() if group.gr_name != "root")
    found = SimpleNamespace(st_mode=mode, st_uid=0, st_gid=group.gr_gid)
    assert do.replace("GROUP", group.gr_name) in access.remedy(found, "fumo-agent")
    assert not access.allows(found, 4711, (4712,))


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


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A board on a disk; its boot partition is a folder that counts as mounted."""
    monkeypatch.setattr(os.path, "ismount", lambda path: path == str(tmp_path / "boot/select"))
    (tmp_path / "config.toml").write_text('[linux]\nboard = "rpi_tryboot"\n')
    (tmp_path / "dev").mkdir()
    wanted = ("watchdog0", "mmcblk0p2", "mmcblk0p3", "mmcblk0p5", "mmcblk0p6", "mmcblk0p7")
    for name in wanted:
        (tmp_path / "dev" / name).touch()
    (tmp_path / "boot" / "select").mkdir(parents=True)
    return tmp_path


def test_a_board_on_a_disk_names_its_partitions(card, capsys):
    tmp_path = card
    (tmp_path / "dev" / "mmcblk0p7").unlink()
    assert check.main(str(tmp_path), str(tmp_path / "run"), str(tmp_path)) == 1
    said = capsys.readouterr().out
    assert said.count("missing") == 1 and "DISK /dev/mmcblk0p7: missing; see lsblk" in said
    (tmp_path / "dev" / "mmcblk0p7").touch()
    assert check.main(str(tmp_path), str(tmp_path / "run"), str(tmp_path)) == 0
    assert "`fumo doctor` looks closer" in capsys.readouterr().out and not (tmp_path / "run").exists()


def test_a_boot_partition_that_is_not_mounted(card, capsys, monkeypatch):
    monkeypatch.setattr(os.path, "ismount", lambda path: False)
    assert check.main(str(card), str(card / "run"), str(card)) == 1
    assert "SELECT /boot/select: not mounted; mount the first partition on it" in capsys.readouterr().out


def test_a_boot_partition_that_is_read_only(card, capsys, monkeypatch):
    """Root may write wherever the mode says so: only the mount tells."""
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=os.ST_RDONLY))
    assert check.main(str(card), str(card / "run"), str(card)) == 1
    said = capsys.readouterr().out
    assert "SELECT /boot/select: mounted read-only; mount it writeable" in said and "run this as root" not in said


def test_no_board_is_78_as_with_run(tmp_path, capsys):
    assert main(["--etc", str(tmp_path), "check"]) == 78
    said = capsys.readouterr()
    assert "%s/config.toml" % tmp_path in said.err and said.err.count("\n") == 1 and not said.out


def test_settings_that_are_wrong(tmp_path, capsys):
    (tmp_path / "config.toml").write_text("[linux]\nboard = 5\n")
    assert main(["--etc", str(tmp_path), "check"]) == 1
    assert "linux.board in %s" % tmp_path in capsys.readouterr().err
