"""What the first stage and the firmware share: open files across the exec, words for systemd, folders, a clock that is wrong."""

import subprocess
import sys
import time

import pytest

from agent.errors import FlashError
from flash_tools.server.bench import BenchServer
from ports.cpython_linux import notify, port, system
from ports.cpython_linux.patience import Patience
from ports.cpython_linux.port import LinuxPort
from tests.host.linux_board import ROOT, Board, free_port
from tests.host.linux_service import Service

_CLOSES = """
import os, sys
sys.path.insert(0, %r)
from ports.cpython_linux.first_stage import _close_all_but
fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(40)]
kept = [fds[int(word)] for word in sys.argv[1:]]
_close_all_but(*kept)
def is_open(fd):
    try:
        os.fstat(fd)
        return True
    except OSError:
        return False
assert [fd for fd in range(3, 300) if is_open(fd)] == sorted(kept), kept
assert all(is_open(fd) for fd in range(3))
"""


@pytest.mark.parametrize("kept", [(), ("0",), ("39", "0"), ("7", "5"), ("5", "6")])
def test_what_is_kept_open_across_the_exec(kept):
    done = subprocess.run(
        [sys.executable, "-c", _CLOSES % str(ROOT), *kept], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_words_for_systemd_are_one_line(monkeypatch):
    told = []
    monkeypatch.setattr(notify, "notify", lambda text, environ: told.append(text))
    notify.tell("bank 1,\nMAINPID=1 version\r 2", "READY=1")
    notify.tell("waiting")
    assert told == ["READY=1\nSTATUS=bank 1, MAINPID=1 version 2", "STATUS=waiting"]


def test_the_folders_are_those_that_systemd_names():
    assert system.run_folder({}) == system.run_folder({"RUNTIME_DIRECTORY": ""}) == "/run/fumo-agent"
    assert system.run_folder({"RUNTIME_DIRECTORY": "/run/a:/run/b"}) == "/run/a"
    assert system.keep_folder({}) is None and system.keep_folder({"STATE_DIRECTORY": "/var/lib/a:/b"}) == "/var/lib/a"


def test_patience_ends_and_the_next_start_goes_on(monkeypatch):
    """After ten minutes the service begins anew, which may help; what it said, it said once."""
    said = []
    patience = Patience(lambda text, *words: said.append(text % words))
    monkeypatch.setattr("ports.cpython_linux.patience._PATIENCE_S", 0.05)
    monkeypatch.setattr("ports.cpython_linux.patience._PAUSE_S", 0.01)

    def fail():
        raise FlashError("no chip")

    with pytest.raises(FlashError):
        patience.ask(fail)
    assert said == ["no chip"]


# -- a clock that is wrong -----------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """Return what the system's clock was set to; it says that it is 1970."""
    set_to = []
    monkeypatch.setattr(port.time, "time", lambda: 100.0)
    monkeypatch.setattr(port.time, "clock_settime", lambda which, seconds: set_to.append((which, seconds)))
    return set_to


def test_the_time_that_a_server_tells_is_the_systems(clock, monkeypatch):
    said = []
    made = LinuxPort(None, None, lambda text, *words: said.append(text))
    made.set_unix(1800000000)
    made.set_unix(130)
    assert clock == [(time.CLOCK_REALTIME, 1800000000)] and not said

    def refuse(*_):
        raise PermissionError(1, "no")

    monkeypatch.setattr(port.time, "clock_settime", refuse)
    made.set_unix(1800000000)
    assert "enable systemd-timesyncd" in said[0]


def test_certificates_that_are_not_valid_yet_are_said_and_the_agent_goes_on(tmp_path):
    """What a board of 1970 sees: no session, one clear line for each try, nothing else lost; then the time is right."""
    with BenchServer(certificate="future") as server:
        board = Board(tmp_path, server.add_device("early:1"), notify_port=free_port(), nap_ms=100)
        before = board.flash.read_bytes()[: 64 << 10]
        with Service(board) as service:
            order = service.order(server, board.update("2.0"))
            service.said("certificate refused: certificate is not yet valid")
            assert service.ask()["version"] == "1.0" and not service.codes
            service.no_traceback()
            assert board.holds(0).version == "1.0" and board.flash.read_bytes()[:12288] == before[:12288]
            server.use_certificate("good")
            since = len(service.lines)
            service.kill(power=True)
            server.notify("early:1", ("127.0.0.1", int(service.said("listening", since=since).split()[-1])))
            assert order.wait(20).code == 200
