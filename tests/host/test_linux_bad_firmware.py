"""Firmware of a Linux board that fails in every way, as processes: it is rolled back, and the server hears 410."""

import json
import os
import subprocess
import sys

import pytest

from flash_tools.server.bench import BenchServer
from hal.boot_record import FALLBACK, TRIED
from hal.region import layout_hash
from tests.host.linux_board import OTHER_LAYOUT, RESTARTS, Board, free_port, image
from tests.host.linux_service import Service

WAIT_S = 40
BITES_S = 4


@pytest.fixture(scope="module")
def server():
    with BenchServer() as found:
        yield found


@pytest.fixture
def board(tmp_path, server):
    bundle = server.add_device("bad:" + tmp_path.name)
    return Board(tmp_path, bundle, notify_port=free_port(), nap_ms=100)


@pytest.mark.parametrize(
    "behaviour, exits",
    [("crash", [RESTARTS, 1]), ("exit", [RESTARTS, 0]), ("unfit", [RESTARTS, RESTARTS]), ("hang", [RESTARTS, -6])],
)
def test_firmware_that_fails_is_rolled_back(board, server, behaviour, exits):
    board.configure(notify_port=free_port(), nap_ms=100, trial_max_ms=1000)
    with Service(board, watchdog_s=BITES_S if behaviour == "hang" else 20) as service:
        outcome = service.order(server, board.update("2.0", behaviour)).wait(WAIT_S)
        service.said("reported 410")
        assert service.ask()["version"] == "1.0"
    assert (outcome.code, outcome.firmware_version) == (410, "1.0")
    assert {report.code for report in outcome.alerts} == {410}
    assert service.codes[:2] == exits
    assert board.boot().confirmed() == 0 and board.holds(0).version == "1.0"


def start_by_hand(board, words):
    """Start firmware as the first stage does, with other words; return what has become of it."""
    path = board.folder / "firmware.zip"
    path.write_bytes(image("1.0"))
    command = [sys.executable, "-I", "-B", path, words]
    environ = {**os.environ, "RUNTIME_DIRECTORY": str(board.folder)}
    return subprocess.run(command, capture_output=True, text=True, timeout=20, env=environ, check=False)


def test_firmware_of_another_layout_does_not_run(board):
    words = {"bank": 0, "etc": str(board.etc), "layout": layout_hash(OTHER_LAYOUT)}
    with Service(board) as service:  # for its socket: no watchdog, no firmware
        service.stop()
        os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"] = service.environment["NOTIFY_SOCKET"], "3000000"
        try:
            done = start_by_hand(board, json.dumps(words))
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "another layout" in done.stderr, done.stderr


def test_confirmed_firmware_that_crashes_gives_way_to_the_one_before(board):
    board.put(1, "2.0", "crash-confirmed")
    record = board.boot()
    record.run(1)
    record.confirm()
    with Service(board) as service:
        service.said("boot", "bank 0 confirmed version 1.0")
        facts = service.ask()
    assert service.codes[:3] == [1, 1, 1] and facts["fell_back"] and board.boot().state == FALLBACK


def test_a_kill_in_the_trial_ends_it(board, server):
    board.configure(notify_port=free_port(), trial_min_ms=20000, trial_max_ms=30000)
    with Service(board) as service:
        made = service.order(server, board.update("2.0"))
        service.said("boot", "trial version 2.0")
        service.kill()
        assert made.wait(WAIT_S).code == 410
    assert board.boot().confirmed() == 0


def test_an_owner_who_stops_a_trial_ends_it(board, server):
    board.configure(notify_port=free_port(), trial_min_ms=20000, trial_max_ms=30000)
    with Service(board) as service:
        made = service.order(server, board.update("2.0"))
        service.said("boot", "trial version 2.0")
        assert service.stop() == 0
        assert board.boot().state == TRIED
    with Service(board) as again:
        assert made.wait(WAIT_S).code == 410
        again.said("started: the agent ended without being told to")


def test_a_hang_is_the_watchdogs(board):
    board.put(0, "1.1", "deadlock")
    with Service(board, watchdog_s=BITES_S) as service:
        service.said("systemd: the watchdog has bitten")
        service.said("started: the agent ended without being told to")


@pytest.mark.parametrize("words", ["{", "[]", "5", '"x"', "nonsense", "[" * 5000])
def test_what_is_handed_over_by_hand(board, words):
    done = start_by_hand(board, words)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "no JSON object" in done.stderr


def test_power_and_crash_are_told_apart(board):
    with Service(board) as service:
        for power, cause in ((False, "watchdog"), (True, "power")):
            service.said("listening", since=0)
            since = len(service.lines)
            service.kill(power)
            service.said("boot", cause, since=since)
            service.said("listening", since=since)
