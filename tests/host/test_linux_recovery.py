"""Serial recovery of a Linux board, as a process behind a pseudo-terminal: our client and somebody else's bring firmware to it."""

import os
import random
import threading
import tty

import pytest
from smpclient.generics import success
from smpclient.requests.image_management import ImageStatesRead
from smpclient.requests.os_management import EchoWrite

from flash_tools.images import zip_image
from flash_tools.recovery import recover
from flash_tools.recovery.smp_session import Patience
from flash_tools.target import Target
from hal.boot_record import ARMED
from tests.host.linux_board import Board
from tests.host.linux_service import Service
from tests.host.test_recovery_smpclient import talk

PATIENCE = Patience(hello_s=10.0, silence_s=10.0)


class Pty:
    """A pair of pseudo-terminals with a cable between them: the board opens one, the owner the other."""

    def __init__(self):
        self._fds = [os.openpty() for _ in range(2)]
        for _, far in self._fds:
            tty.setraw(far)
        self.board, self.path = (os.ttyname(far) for _, far in self._fds)
        self._threads = [threading.Thread(target=self._copy, args=pair, daemon=True) for pair in ((0, 1), (1, 0))]
        for thread in self._threads:
            thread.start()

    def _copy(self, source, target):
        while True:
            try:
                os.write(self._fds[target][0], os.read(self._fds[source][0], 4096))
            except OSError:
                return

    def close(self):
        """Let go; the threads end with the test's process."""
        for _, far in self._fds:
            os.close(far)


@pytest.fixture
def line():
    found = Pty()
    yield found
    found.close()


@pytest.fixture
def board(tmp_path, line):
    return Board(tmp_path, {}, uart=line.board, notify_port=-1, nap_ms=100)


@pytest.fixture
def package(board, tmp_path):
    path = tmp_path / "new.fup"
    path.write_bytes(board.update("2.0"))
    return path


def test_two_bad_banks_are_cured_over_the_serial_line(board, line, package):
    board.spoil("bank0")
    with Service(board) as service:
        service.said("serial recovery for")
        done = recover.upload(Target("serial", line.path), package, patience=PATIENCE)
        assert done.firmware == "2.0" and done.pending and done.reset == "done"
        service.said("started: the agent ended on purpose")
        service.said("boot", "version 2.0")
        service.wait(lambda: board.boot().confirmed() == board.boot().bank and board.holds(board.boot().bank))
        service.no_traceback()
    assert board.holds(board.boot().confirmed()).version == "2.0" and set(service.codes[:1]) == {0}


def test_somebody_elses_client_and_a_stop(board, line):
    (board.folder / "button").touch()

    async def conversation(client):
        echo = await client.request(EchoWrite(d="hello"))
        states = await client.request(ImageStatesRead())
        return echo, states

    with Service(board) as service:
        service.said("serial recovery for")
        echo, states = talk(line, conversation)
        assert success(echo) and echo.r == "hello"
        assert [(image.version, image.confirmed) for image in states.images] == [("1.0", True)]
        assert service.stop() == 0 and service.told[-1] == "STOPPING=1"


def test_what_is_signed_by_others_is_refused(board, line, tmp_path):
    board.spoil("bank0")
    before = board.flash.read_bytes()
    other = Board(tmp_path / "other", {})
    path = tmp_path / "other.fup"
    path.write_bytes(other.update("6.6"))
    with Service(board) as service:
        service.said("serial recovery for")
        with pytest.raises(Exception, match="key"):
            recover.upload(Target("serial", line.path), path, patience=PATIENCE)
    assert board.flash.read_bytes() == before


TINY = b"import sys, time\nsys.stderr.write('boot tiny version 2.0\\n')\ntime.sleep(60)\n"


def test_a_kill_in_the_middle_of_an_upload_costs_only_time(board, line, package):
    noise = random.Random(2).randbytes(80000)
    package.write_bytes(board.package(zip_image.build({"__main__.py": TINY, "noise": noise}), "2.0"))
    board.spoil("bank0")
    kills = []

    def progress(done, total):
        if done > total // 2 and not kills:
            kills.append(done)
            service.kill()

    with Service(board) as service:
        service.said("serial recovery for")
        with_kill = lambda: recover.upload(Target("serial", line.path), package, patience=PATIENCE, progress=progress)  # noqa: E731
        try:
            done = with_kill()
        except Exception:  # the client gives up, or goes on by itself: both are fine
            done = with_kill()
        assert kills and done.pending
        service.said("boot", "version 2.0", timeout_s=20)
    assert board.boot().state != ARMED
