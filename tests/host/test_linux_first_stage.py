"""The first stage of a Linux board, as a process, with everything around it wrong that can be: it says so once, and waits."""

import contextlib
import fcntl
import os
import subprocess

import pytest

from hal.boot_record import ARMED, CONFIRMED, FALLBACK, TRIED
from tests.host.linux_board import Board, image
from tests.host.linux_service import Service

TURNS_S = 6  # of systemd's watchdog: what does not answer is asked again four times in it


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path, {}, notify_port=-1, linux={"recovery_s": 600})


def arm(board, behaviour="good"):
    """Let the next start be a trial of bank 1."""
    board.put(1, "2.0", behaviour)
    board.boot().set_trial(1, 1)


def runs(service, version="1.0", since=0):
    """Wait for the firmware."""
    service.said("boot", "version " + version, since=since)


def once(service, text):
    """Wait for a line, and see that it is the only one like it after the next turns."""
    service.said(text)
    told = len(service.told)
    with contextlib.suppress(AssertionError):
        service.wait(lambda: len(service.told) > told, 1.2)
    assert sum(text in line for line in service.lines) == 1, service.lines
    service.no_traceback()
    assert any(text in told and told.startswith("STATUS=") and "\n" not in told for told in service.told), service.told


# -- what the owner has written ------------------------------------------------------------------------------------------


def test_no_board_ends_it_for_good(board):
    (board.etc / "config.toml").write_text("")
    with Service(board, watchdog_s=TURNS_S) as service:
        service.wait(lambda: service.codes)
        service._thread.join(5)
    assert service.codes == [78] and len(service.lines) == 1
    assert "no board is chosen" in service.lines[0] and str(board.etc) in service.lines[0]


@pytest.mark.parametrize(
    "text, said",
    [
        ("raise OSError(2, 'no such thing')\n", "fails: FileNotFoundError: [Errno 2] no such thing (paper.py, line 1)"),
        ("def build(:\n", "is no Python: line 1"),
        ("import sys\nsys.exit(5)\n", "fails: SystemExit: 5"),
        ("WATCHDOG_MS = 1000\n", "has no build(port)"),
        ("def build(port):\n    pass\n", "has no WATCHDOG_MS"),
        ("WATCHDOG_MS = 'x'\ndef build(port):\n    pass\n", "has no WATCHDOG_MS"),
    ],
)
def test_a_board_file_that_is_none(board, text, said):
    good = board.file.read_text()
    board.file.write_text(text)
    with Service(board, watchdog_s=TURNS_S) as service:
        service.wait(lambda: len(service.codes) > 1)
        assert set(service.codes) == {1} and all(said in line for line in service.lines), service.lines
        board.file.write_text(good)
        runs(service)


def test_options_that_firmware_would_fall_over_are_refused_before_the_choice(board):
    arm(board)
    board.configure(notify_port=-1, nap_ms=-5)
    with Service(board, watchdog_s=TURNS_S) as service:
        service.said("agent.nap_ms in %s is to be from 1 to 60000" % board.etc)
        service.wait(lambda: service.codes)
        assert board.boot().state == ARMED and set(service.codes) == {1}
        board.configure(notify_port=-1)
        runs(service, "2.0")


@pytest.mark.parametrize(
    "fault", ["1 / 0", "open('/dev/there-is-none')", "raise AgentError('the flash does not answer')"]
)
def test_hardware_that_comes_later(board, fault):
    """A build that fails is tried again; nothing was decided, so nothing is lost."""
    arm(board)
    late = "\n\nfrom agent.errors import AgentError\n_build = build\n\n\ndef build(port):\n"
    late += "    if not os.path.exists(FOLDER + '/there'):\n        %s\n    return _build(port)\n" % fault
    board.write_board(more=late)
    with Service(board, watchdog_s=TURNS_S) as service:
        texts = {"1 / 0": "ZeroDivisionError", "raise AgentError('the flash does not answer')": "does not answer"}
        once(service, texts.get(fault, "FileNotFoundError"))
        assert not service.codes and board.boot().state == ARMED
        (board.folder / "there").touch()
        runs(service, "2.0")


# -- the chip ------------------------------------------------------------------------------------------------------------


def test_a_board_that_was_never_provisioned_waits(board):
    chip = board.flash.read_bytes()
    board.spoil("factory", 8192)
    spoilt = board.flash.read_bytes()
    with Service(board, watchdog_s=TURNS_S) as service:
        once(service, "never provisioned")
        assert board.flash.read_bytes() == spoilt and not service.codes
        board.flash.write_bytes(chip)
        runs(service)


def test_one_copy_of_the_factory_data_is_enough(board):
    board.spoil("factory", 64)
    with Service(board, watchdog_s=TURNS_S) as service:
        runs(service)


def test_a_damaged_bank_gives_way(board):
    board.put(1, "0.9")
    board.spoil("bank0")
    with Service(board, watchdog_s=TURNS_S) as service:
        runs(service, "0.9")
    assert board.boot().state == FALLBACK and board.boot().confirmed() == 1


@pytest.mark.parametrize("what", ["bank1", "header1"])
def test_a_damaged_trial_is_used_up_and_not_run(board, what):
    arm(board)
    board.spoil(what)
    with Service(board, watchdog_s=TURNS_S) as service:
        runs(service, "1.0")
    assert board.boot().state in (TRIED, CONFIRMED) and board.boot().confirmed() == 0


def test_two_damaged_banks_leave_recovery(board):
    board.spoil("bank0")
    before = board.flash.read_bytes()
    with Service(board, watchdog_s=TURNS_S) as service:
        service.said("serial recovery for 600 s")
        service.wait(lambda: "READY=1\nSTATUS=serial recovery" in service.told)
        assert service.stop() == 0
    assert board.flash.read_bytes() == before


def test_a_button_that_is_held_changes_nothing(board):
    arm(board)
    (board.folder / "button").touch()
    with Service(board, watchdog_s=TURNS_S) as service:
        service.said("serial recovery")
        assert board.boot().state == ARMED
        (board.folder / "button").unlink()
        service.kill(power=True)
        runs(service, "2.0")


# -- the system ----------------------------------------------------------------------------------------------------------


def test_no_watchdog_no_agent(board):
    arm(board)
    with Service(board, watchdog_s=0) as service:
        once(service, "no-watchdog is not there")
        assert board.boot().state == ARMED and service.stop() == 0


def test_a_watchdog_that_is_none(board):
    board.configure({"watchdog": "/dev/null"}, notify_port=-1)
    with Service(board, watchdog_s=TURNS_S) as service:
        once(service, "/dev/null is no watchdog")
        assert not service.codes


def test_an_install_that_is_at_work_is_waited_for(board):
    """The lock belongs to whoever writes the banks. A trial that found it taken would be taken for one that fails."""
    arm(board)
    (board.folder / "run").mkdir(0o700)
    with open(board.folder / "run" / "lock", "w") as held, Service(board, watchdog_s=TURNS_S) as service:
        fcntl.flock(held, fcntl.LOCK_EX)
        once(service, "`fumo-agent install` is at work")
        assert not service.codes and board.boot().state == ARMED
        fcntl.flock(held, fcntl.LOCK_UN)
        runs(service, "2.0")
        with pytest.raises(BlockingIOError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_stop_before_the_choice_keeps_the_cause(board):
    """What was ordered stays ordered: only firmware that has run can have crashed."""
    late = "\n\n_build = build\n\n\ndef build(port):\n    if os.path.exists(FOLDER + '/late'):\n        raise OSError\n"
    board.write_board(more=late + "    return _build(port)\n")
    with Service(board, watchdog_s=TURNS_S) as service:
        runs(service)
        service.stop()
    (board.folder / "late").touch()
    with Service(board, watchdog_s=TURNS_S) as service:
        service.said("started: the agent ended on purpose")
        service.said("OSError")
        assert service.stop() == 0 and service.told[-1] == "STOPPING=1"
    (board.folder / "late").unlink()
    with Service(board, watchdog_s=TURNS_S) as service:
        service.said("started: the agent ended on purpose")
        service.said("boot", "commanded")


def test_a_folder_where_others_may_write(board):
    arm(board)
    run = board.folder / "run"
    run.mkdir()
    run.chmod(0o777)
    with Service(board, watchdog_s=TURNS_S) as service:
        once(service, "others may write in")
        assert board.boot().state == ARMED
        run.chmod(0o700)
        runs(service, "2.0")


def test_a_folder_that_leads_elsewhere(board, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir(0o700)
    (tmp_path / "run" / "firmware").symlink_to(tmp_path / "elsewhere")
    with Service(board, watchdog_s=TURNS_S) as service:
        once(service, "others may write in")
        assert not list((tmp_path / "elsewhere").iterdir())


@pytest.fixture
def ram_disk(board):
    """A RAM disk of the service's own, too small for the firmware."""
    place = board.folder / "run" / "firmware"
    place.mkdir(parents=True)
    place.parent.chmod(0o700)
    size = len(image("1.0")) + 700 * 1024
    command = ["mount", "-t", "tmpfs", "-o", "mode=0700,size=%d" % size, "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no RAM disk can be mounted here: run the tests as root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_ram_disk_is_waited_for(board, ram_disk):
    arm(board)
    before = board.flash.read_bytes()
    with Service(board, watchdog_s=TURNS_S) as service:
        once(service, "KiB left, the firmware needs")
        assert not service.codes and board.flash.read_bytes() == before, "no trial is used up for it"
        subprocess.run(["mount", "-o", "remount,size=4m", str(ram_disk)], check=True)
        runs(service, "2.0")
        assert service.said("app").endswith("/run/firmware/bank1.zip/app.pyc")
        service.stop()


def test_an_interpreter_that_cannot_be_started(board):
    """The exec fails: one line, the next start tries again."""
    service = Service(board, watchdog_s=TURNS_S)
    text = service.program.read_text().replace("sys.exit", "sys.executable = '/nowhere/python3'\nsys.exit")
    service.program.write_text(text)
    with service:
        service.said("cannot start /nowhere/python3: No such file or directory")
        service.no_traceback()
        service.wait(lambda: 1 in service.codes)
