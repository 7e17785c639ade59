"""The service of a Linux board, as processes: a whole update over TLS, firmware that fails, orders to stop, what systemd hears."""

import contextlib
import os
import signal
import socket
import time

import pytest

from flash_tools.server.bench import BenchServer
from tests.host.linux_board import RESTARTS, Board, free_port
from tests.host.linux_service import Service


@pytest.fixture(scope="module")
def server():
    with BenchServer() as found:
        yield found


@pytest.fixture
def board(tmp_path, server):
    bundle = server.add_device("paper:" + tmp_path.name)
    return Board(tmp_path, bundle, notify_port=free_port(), nap_ms=100)


def test_a_whole_update_over_tls(board, server):
    assert server.tls
    with Service(board) as service:
        outcome = service.order(server, board.update("2.0")).wait(40)
        service.said("reported 200")
        facts = service.ask()
        assert service.stop() == 0 and service.codes == [RESTARTS, 0]
    assert (outcome.result, outcome.code, outcome.firmware_version) == ("done", 200, "2.0")
    assert [report.code for report in outcome.alerts if not report.copy] == [200]
    assert facts["version"] == "2.0" and facts["confirmed"] == facts["bank"] == 1 and facts["cause"] == "commanded"
    assert service.said("app", "bank1.zip").endswith("/run/bank1.zip/app.pyc"), "it runs from its copy in RAM"
    assert "started: a restart of the board was ordered" in service.lines
    assert board.boot().confirmed() == 1 and board.holds(1).version == "2.0" and board.holds(0).version == "1.0"
    service.no_traceback()
    assert service.told == [
        "READY=1\nSTATUS=bank 0, version 1.0", "READY=1\nSTATUS=version 1.0", "STATUS=the board restarts",
        "READY=1\nSTATUS=bank 1, version 2.0", "READY=1\nSTATUS=version 2.0", "STOPPING=1",
    ]  # fmt: skip


def test_stops_at_any_moment_in_order(board):
    """SIGTERM from the first instruction to the loop: once it has said anything it ends in order, and never in a traceback."""
    for number in range(1, 12):
        with Service(board) as service:
            time.sleep(0.03 * number)
            code = service.stop()
            service.no_traceback()
        assert code == 0 or (code == -signal.SIGTERM and not service.lines), (code, service.lines)


def test_a_start_that_was_stopped_is_no_crash(board):
    with Service(board) as service:
        service.said("listening")
        service.stop()
    with Service(board) as again:
        again.said("started: the agent ended on purpose")


def test_the_watchdog_is_fed(board):
    with Service(board, watchdog_s=4) as service:
        service.said("listening")
        service.wait(lambda: service.feeds > 4 or service.codes)
        assert not service.codes
        assert service.ask()["watchdog_ms"] == 4000


def test_the_commands(board, server):
    with Service(board) as service:
        assert service.fumo_agent("confirm").returncode in (3, 6)
        service.said("listening")
        done = service.fumo_agent("status")
        assert done.returncode == 0 and '"version": "1.0"' in done.stdout
        assert service.fumo_agent("rollback").returncode == 6
        assert service.fumo_agent("request-update").returncode == 0
    gone = service.fumo_agent("status")
    assert gone.returncode == 3 and "is the service running" in gone.stderr and not gone.stdout


def test_recovery_by_command(board):
    board.configure({"recovery_s": 1}, notify_port=free_port())
    with Service(board) as service:
        service.said("listening")
        assert service.fumo_agent("recovery").returncode == 6, "there is no serial line"
        (service.run / "recovery").touch()
        service.kill()
        service.said("serial recovery for 1 s")
        service.said("listening", since=service.lines.index("serial recovery for 1 s"))
        assert "READY=1\nSTATUS=serial recovery" in service.told
        service.said("started: the agent ended on purpose")


def test_nothing_leaks_into_the_firmware(board):
    """Only the lock (and a watchdog of hardware) is inherited: a chip that is open twice would be driven twice."""
    board.write_board(more="\n\nos.set_inheritable(os.open(FOLDER + '/cause', 0), True)  # as a library in C does\n")
    with Service(board) as service:
        service.said("listening")
        folder = "/proc/%d/fd" % service._process.pid
        names = []
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                names.append(os.readlink(os.path.join(folder, name)))
    assert names.count(str(board.folder / "cause")) == 1, "the firmware's own"
    assert names.count(str(board.flash)) == 1 and sum(name.endswith("/run/lock") for name in names) == 1, names


def test_a_flood_of_questions_is_no_hang(board):
    """What is asked on the board itself may make the agent slow, not dead; who reads no answer is let go."""
    with Service(board) as service:
        service.said("listening")
        line = socket.socket(socket.AF_UNIX)
        line.connect(str(service.run / "console"))
        line.settimeout(5)
        line.sendall(b"status\n" * 100)
        answers = 0
        while answers < 100:
            answers += line.recv(65536).count(b"\n")
        with contextlib.suppress(OSError):
            for _ in range(50):
                line.sendall(b"\xff\x00confirm\x1b\n" * 500)
        assert service.ask()["version"] == "1.0" and not service.codes
        line.close()
        assert service.ask("nonsense", "")["version"] == "1.0"
        service.no_traceback()
