"""ports/cpython_linux/system.py: folders in the place of the kernel's, and nobody who could restart this machine."""

import subprocess
import types

import pytest

from agent import reset
from agent.errors import AgentError
from ports.cpython_linux import system

BOOT, LATER = "8a1f0d10-0000-4000-8000-000000000001", "8a1f0d10-0000-4000-8000-000000000002"


class Board:
    """A /sys, a /proc, and the two folders that an agent writes to."""

    def __init__(self, folder):
        self.root, self.run, self.keep = folder, folder / "run", folder / "keep"
        self.boot()

    def boot(self, boot_id=BOOT, ram=True):
        """Start the board: what is in RAM is gone."""
        if ram and self.run.exists():
            for path in self.run.iterdir():
                path.unlink()
        self.put("proc/sys/kernel/random/boot_id", boot_id + "\n")

    def put(self, path, data):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())

    def cause(self, keep=True):
        proc, sys = str(self.root / "proc"), str(self.root / "sys")
        cause, text = system.reset_cause(str(self.run), sys, proc, str(self.keep) if keep else None)
        assert text and "\n" not in text
        return cause

    def plan(self, keep=True):
        system.mark_planned(str(self.run), str(self.keep) if keep else None, str(self.root / "proc"))


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path)


def test_nothing_tells_so_nothing_is_guessed(board):
    assert board.cause() == reset.UNKNOWN


def test_an_end_without_a_plan_is_a_crash(board):
    board.cause()
    assert board.cause() == reset.WATCHDOG
    assert board.cause() == reset.WATCHDOG


@pytest.mark.parametrize("keep", [False, True])
def test_a_planned_end_counts_once(board, keep):
    board.cause(keep)
    board.plan(keep)
    assert [board.cause(keep) for _ in range(2)] == [reset.COMMANDED, reset.WATCHDOG]


def test_a_planned_restart_of_the_board_counts_once(board):
    board.cause()
    board.plan()
    board.boot(LATER)
    assert board.cause() == reset.COMMANDED
    board.boot(BOOT)
    assert board.cause() == reset.UNKNOWN


def test_a_planned_restart_that_nothing_kept(board):
    board.cause(keep=False)
    board.plan(keep=False)
    board.boot(LATER)
    assert board.cause(keep=False) == reset.UNKNOWN


def test_a_run_folder_on_a_disk_does_not_make_a_boot_a_crash(board):
    board.cause()
    board.boot(LATER, ram=False)
    assert board.cause() == reset.UNKNOWN


def test_a_mark_that_cannot_be_removed_is_not_believed(board, monkeypatch):
    board.cause()
    board.plan()

    def read_only(path):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(system.os, "remove", read_only)
    board.boot(LATER, ram=False)
    assert [board.cause() for _ in range(2)] == [reset.UNKNOWN, reset.WATCHDOG]


def test_folders_that_cannot_be_written(board):
    board.run.write_bytes(b"a file")
    board.keep.write_bytes(b"a file")
    board.plan()
    assert [board.cause() for _ in range(2)] == [reset.UNKNOWN, reset.UNKNOWN]


def test_a_kernel_without_a_boot_id(board):
    (board.root / "proc/sys/kernel/random/boot_id").unlink()
    board.plan()
    assert [board.cause() for _ in range(2)] == [reset.UNKNOWN, reset.UNKNOWN]


@pytest.mark.parametrize(
    ("status", "expected"),
    [("32", reset.WATCHDOG), ("33024", reset.UNKNOWN), ("288", reset.WATCHDOG), ("", reset.UNKNOWN)],
)
def test_the_watchdogs_own_word(board, status, expected):
    board.put("sys/class/watchdog/watchdog0/bootstatus", "0\n")
    board.put("sys/class/watchdog/watchdog1/bootstatus", status + "\n")
    assert board.cause() == expected


def test_a_restart_that_the_watchdog_carried_out_was_still_ordered(board):
    board.cause()
    board.plan()
    board.boot(LATER)
    board.put("sys/class/watchdog/watchdog0/bootstatus", "32\n")
    assert board.cause() == reset.COMMANDED


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (b"\0\0\x10\x00", reset.POWER),
        (b"\0\0\x10\x20", reset.UNKNOWN),
        (b"\0\0\0\x20", reset.UNKNOWN),
        (b"\0\0\0\0", reset.UNKNOWN),
        (b"\x10\x00", reset.UNKNOWN),
    ],
)
def test_the_register_of_a_raspberry_pi(board, cell, expected):
    board.put("proc/device-tree/chosen/bootloader/pm_rsts", cell)
    assert board.cause() == expected


# -- restarting --------------------------------------------------------------------------------------------------------


class Restart:
    """Everything that `reboot` can reach, counted; nothing of this machine."""

    def __init__(self, monkeypatch, folder, systemctl=0):
        self.done, self.said, self.fed, self.waited_s, self.systemctl = [], [], 0, 0.0, systemctl
        self.parameter = folder / "reboot-param"
        monkeypatch.setattr(system, "_PARAMETER", str(self.parameter))
        monkeypatch.setattr(system.os, "sync", lambda: self.done.append("sync"))
        monkeypatch.setattr(system, "_by_kernel", self._forbidden)

    def _forbidden(self, argument):
        raise AssertionError("this would restart the machine that tests")

    def run(self, words, **options):
        assert options["timeout"] <= 60
        self.done.append(" ".join(words))
        if isinstance(self.systemctl, Exception):
            raise self.systemctl
        return types.SimpleNamespace(returncode=self.systemctl, stderr=b"Access denied\nmore\n")

    def call(self, argument):
        self.done.append(("kernel", argument))
        return "Operation not permitted"

    def feed(self):
        self.fed += 1

    def pause(self, seconds):
        self.waited_s += seconds

    def go(self, argument=None, systemd=True):
        with pytest.raises(system.RebootError) as caught:
            system.reboot(argument, self.feed, self.said.append, systemd, self.run, self.call, self.pause)
        assert "\n" not in str(caught.value)
        return str(caught.value)


def test_systemd_is_asked_and_waited_for_then_the_kernel(monkeypatch, tmp_path):
    restart = Restart(monkeypatch, tmp_path)
    text = restart.go()
    assert restart.done == ["sync", "systemctl reboot", ("kernel", None)]
    assert restart.fed == 300  # a minute; then nobody feeds for two
    assert round(restart.waited_s) == 180
    assert "Operation not permitted" in text and restart.said[-1] == text and "within 60 s" in restart.said[0]


def test_the_argument_is_left_for_the_very_end(monkeypatch, tmp_path):
    restart = Restart(monkeypatch, tmp_path)
    restart.go("0 tryboot")
    assert restart.parameter.read_text() == "0 tryboot" and restart.done[-1] == ("kernel", "0 tryboot")
    restart.go()
    assert not restart.parameter.exists()


@pytest.mark.parametrize("fault", [1, FileNotFoundError(2, "no systemctl"), subprocess.TimeoutExpired("systemctl", 60)])
def test_a_systemd_that_refuses_is_not_waited_for(monkeypatch, tmp_path, fault):
    restart = Restart(monkeypatch, tmp_path, fault)
    restart.go()
    assert restart.fed == 0 and restart.done[-1] == ("kernel", None)


def test_without_systemd_the_kernel(monkeypatch, tmp_path):
    restart = Restart(monkeypatch, tmp_path)
    restart.go("0 tryboot", systemd=False)
    assert restart.done == ["sync", ("kernel", "0 tryboot")] and not restart.parameter.exists()


@pytest.mark.parametrize(
    ("machine", "word", "number"), [("armv7l", 4, 88), ("aarch64", 4, 88), ("aarch64", 8, 142), ("x86_64", 8, 169)]
)
def test_the_number_of_the_system_call(machine, word, number):
    assert system._number(machine, word) == number


# -- who it is ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("serial", "machine", "expected"),
    [
        (b"10000000abcdef01\0", "0" * 31 + "1\n", "10000000abcdef01"),
        (b"0000000000000000\0", "5f" * 16 + "\n", "5f" * 16),
        (None, "5f" * 16 + "\n", "5f" * 16),
    ],
)
def test_who_the_board_is(board, serial, machine, expected):
    if serial:
        board.put("proc/device-tree/serial-number", serial)
    board.put("etc/machine-id", machine)
    found, what = system.unique_id(str(board.root / "proc"), str(board.root / "etc"))
    assert found == expected and what == (
        "the board's serial number" if len(found) == 16 else "the system's machine-id"
    )


def test_a_board_without_a_number(board):
    board.put("etc/machine-id", "uninitialized\n")
    with pytest.raises(AgentError, match="systemd-machine-id-setup"):
        system.unique_id(str(board.root / "proc"), str(board.root / "etc"))
