"""Time and power of the devices of a fleet: what one of them waits for keeps nobody else, and power goes and comes."""

import time

import pytest

from flash_tools.fleet import Fleet
from flash_tools.server.bench import BenchServer
from flash_tools.sim.sim_process import POWER_CUT
from tests.host.fleets import eventually
from tests.host.sim_devices import TIMEOUT_S

K = 1024


@pytest.fixture(scope="module")
def server():
    with BenchServer() as server:
        yield server


def test_a_hang_takes_its_time_and_nobody_elses(tmp_path):
    with Fleet(tmp_path, [{}, {}], make={"behaviour": "hang"}, watchdog_ms=700, recovery_s=1) as fleet:
        started = time.monotonic()
        fleet.start()
        hung = fleet.devices[0]
        hung.wait_for("boot", TIMEOUT_S)
        assert time.monotonic() - started < 1
        hung.wait_for("reset watchdog", TIMEOUT_S)
        assert 0.6 < time.monotonic() - started < 1.5
        hung.wait_for("recovery 1", TIMEOUT_S)
        assert 1.9 < time.monotonic() - started < 4  # three hangs
        hung.off()
        assert hung.code == -9


def test_flash_takes_time(tmp_path, server):
    """Of the device; the other one goes on meanwhile."""
    took = {}
    for speed in (0, 1):
        bundle = server.add_device("slow:%d" % speed)
        with Fleet(tmp_path / str(speed), [bundle, {}], speed=speed, request_update=True) as fleet:
            server.order("slow:%d" % speed, server.add_package(fleet.files[0].update("2.0", size=128 * K)))
            started = time.monotonic()
            fleet.start()
            slow, other = fleet.devices
            slow.wait_for("state 30", TIMEOUT_S)
            began = time.monotonic()
            other.send("status")
            other.wait_for("status", TIMEOUT_S)
            assert time.monotonic() - began < 0.5
            slow.wait_for("boot 2", TIMEOUT_S)
            took[speed] = time.monotonic() - started
    assert took[1] > took[0] + 0.6  # 32 sectors or two large units to erase, 512 pages of 0.7 ms to program


def test_who_rests_longer_than_the_watchdog_is_not_reset(tmp_path):
    """The board's loop feeds while it rests; here the loop leaves the device alone instead."""
    with Fleet(tmp_path, [{}], watchdog_ms=400) as fleet:
        device = fleet.start().devices[0]
        device.wait_for("listening", TIMEOUT_S)
        time.sleep(1.5)
        device.send("status")
        device.wait_for("status", TIMEOUT_S)
        assert not any(line.startswith("reset") for line in device.lines)


def test_a_trial_shows_in_the_banks(server, tmp_path):
    with Fleet(tmp_path, [server.add_device("trial:1")], trial_s=60, request_update=True) as fleet:
        server.order("trial:1", server.add_package(fleet.files[0].update("2.0")))
        device = fleet.start().devices[0]
        device.wait_for("boot 2 bank 1 trial", TIMEOUT_S)
        assert [(bank["state"], bank["version"]) for bank in device.banks()] == [("confirmed", "1.0"), ("trial", "2.0")]
        device.off()
        assert [bank["state"] for bank in device.banks()] == ["confirmed", "spare"]


def test_power_comes_back(tmp_path):
    with Fleet(tmp_path, [{}], cuts="random", cuts_each=1) as fleet:
        device = fleet.start().devices[0]
        device.wait_for("listening", TIMEOUT_S)
        fleet.loop.call(device.cut)
        assert not device.runs and device.code == POWER_CUT and not fleet.wait(0.01)  # it is not over
        eventually(lambda: device.runs and device.starts == 2)
        fleet.loop.call(device.cut)  # one more than there are: but power comes back after it too
        eventually(lambda: device.starts == 3)
        assert fleet.cuts.between == 2
        fleet.loop.call(device.cut)
        device.off()
        assert fleet.wait(0.1)  # nobody brings back what a bench has switched off
        time.sleep(1.6)
        assert not device.runs


def test_power_that_a_bench_takes_while_it_writes(server, tmp_path):
    bundle = server.add_device("dirty:1")
    with Fleet(tmp_path, [bundle], speed=0.3, request_update=True, trial_s=0.2) as fleet:
        server.order("dirty:1", server.add_package(fleet.files[0].update("2.0", size=192 * K)))
        device = fleet.start().devices[0]
        device.wait_for("progress", TIMEOUT_S)
        device.off(dirty=True)
        assert device.code == POWER_CUT and device.lines[-1].startswith("cut half at ")
        assert not device._net.busy  # the download's connection is broken
        states = [bank["state"] for bank in device.banks()]
        assert states == ["confirmed", "spare"] and 0 < device.banks()[1]["fill"] < 0.45
        device.on()
        assert device.wait_for("state", TIMEOUT_S) == "state 30"  # goes on
        eventually(lambda: device._net.busy)
        device.off()
        assert device.code == -9 and not device._net.busy
