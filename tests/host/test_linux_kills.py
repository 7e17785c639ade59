"""The processes of a Linux board, killed at random moments of its updates: nothing is lost, and every order has one result.

A kill is a crash, or the end of the power (RAM is lost). Two boards at once, twenty kills each; SEED draws others.
"""

import os
import random
import threading
import time

import pytest

from flash_tools.server.bench import BenchServer
from tests.host.linux_board import Board, free_port
from tests.host.linux_service import Service

KILLS = 20  # of each board
MOST_S = 180  # it takes 15, on a computer that has nothing else to do
SEED = int(os.environ.get("SEED", "7"))
WAIT_S = 60


class Life:
    """One board: its updates, one after the other, and its kills."""

    def __init__(self, folder, server, number):
        self.server, self.name = server, "killed:%d-%d" % (number, SEED)
        self.dice = random.Random("%d %d" % (number, SEED))
        self.port = free_port()
        bundle = server.add_device(self.name)
        self.board = Board(folder, bundle, notify_port=self.port, nap_ms=50, trial_max_ms=1500)
        self.packages = {
            version: server.add_package(self.board.update(version), "%d-%s.fup" % (number, version))
            for version in ("1.0", "2.0")
        }
        self.kills = self.in_row = 0
        self.codes, self.errors = [], []

    def run(self):
        """Live; what goes wrong is in `errors`."""
        try:
            with Service(self.board) as service:
                while self.kills < KILLS or not self.codes:
                    self._update(service)
                self._judge(service)
        except BaseException as e:  # of a thread
            self.errors.append(e)
            raise

    def _update(self, service):
        now = self.board.boot().confirmed()
        version = self.board.holds(now).version
        wanted = "2.0" if version == "1.0" else "1.0"
        order = self.server.order(self.name, self.packages[wanted], "download-and-update")
        begun = time.monotonic()
        while order.result == "waiting" and time.monotonic() - begun < WAIT_S:
            self._nudge()
            time.sleep(self.dice.uniform(0.02, 0.5))
            if self.kills < KILLS:
                self._kill(service)
        outcome = order.wait(WAIT_S)
        assert outcome.result == "done" and outcome.code in (200, 410), (outcome, service.lines[-20:])
        fresh = [report.code for report in outcome.alerts if not report.copy]
        assert fresh == [outcome.code], "one result: %s" % fresh
        assert outcome.firmware_version == (wanted if outcome.code == 200 else version)
        self.codes.append(outcome.code)

    def _kill(self, service):
        power = self.in_row >= 1 or self.dice.random() < 0.6  # three crashes in a row are a defect of the firmware
        self.in_row = 0 if power else self.in_row + 1
        service.kill(power)
        self.kills += 1
        confirmed = self.board.boot().confirmed()
        assert self.board.holds(confirmed), "kill %d: the confirmed bank is not whole" % self.kills

    def _nudge(self):
        try:
            self.server.notify(self.name, ("127.0.0.1", self.port))
        except OSError:
            pass

    def _judge(self, service):
        assert not [line for line in service.lines if "Traceback" in line], service.lines[-30:]
        since = len(service.lines)
        service.kill(power=True)
        service.said("listening", since=since)
        assert service.ask()["phase"] == "idle"


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path):
    with BenchServer() as server:
        lives = [Life(tmp_path / ("board%d" % number), server, number) for number in range(2)]
        threads = [threading.Thread(target=life.run, daemon=True) for life in lives]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(MOST_S)
            assert not thread.is_alive()
    assert not [life.errors for life in lives if life.errors]
    assert sum(life.kills for life in lives) >= 40, [life.kills for life in lives]
    assert any(200 in life.codes for life in lives), "nothing was ever installed"
