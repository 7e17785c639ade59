"""The power switch: what labgrid's models `simplerest` and `rest` send, on devices of both interpreters."""

import http.client
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from flash_tools.sim import sim_files
from flash_tools.sim.sim_power import PowerSwitch
from flash_tools.sim.sim_process import POWER_CUT, SimProcess, command, find_micropython

TIMEOUT_S = 20
OPTIONS = ("--notify-port", 0)


@pytest.fixture(scope="module")
def devices(tmp_path_factory):
    made = []
    for name in ("cpython", "micropython"):
        files = sim_files.make(tmp_path_factory.mktemp(name))
        micropython = name == "micropython" and find_micropython() is not None
        made.append(SimProcess(command(files.flash, files.provision, *OPTIONS, micropython=micropython)))
    return made


@pytest.fixture
def switch(devices):
    with PowerSwitch(devices) as switch:
        yield switch


class SimpleRest:
    """The requests of labgrid 26.0.1, driver/power/simplerest.py."""

    def __init__(self, url, index):
        self.url, self.index = url, index

    def power_set(self, value):
        ask("GET", self.url.format(value=1 if value else 0, index=self.index))

    def power_get(self):
        return ask("GET", self.url.format(value="", index=self.index).rstrip("/")) == "1"


class Rest:
    """The requests of labgrid 26.0.1, driver/power/rest.py."""

    def __init__(self, url, index):
        self.url, self.index = url, index

    def power_set(self, value):
        ask("PUT", self.url.format(index=self.index), b"1" if value else b"0")

    def power_get(self):
        return ask("GET", self.url.format(index=self.index)) == "1"


def ask(method, url, body=None):
    with urllib.request.urlopen(urllib.request.Request(url, body, method=method), timeout=TIMEOUT_S) as answer:
        return answer.read().decode()


def models(switch, index):
    base = "http://127.0.0.1:%d" % switch.port
    return (
        SimpleRest(switch.url, index),
        SimpleRest(base + "/{index}/{value}", index),
        Rest(base + "/{index}", index),
        Rest(base + "/{index}/value", index),
    )


@pytest.mark.parametrize("index", [0, 1])
def test_on_off_cycle_get(switch, index):
    device = switch.devices[index]
    for power in models(switch, index):
        assert power.power_get() is False
        power.power_set(True)
        assert power.power_get() is True
        device.wait_for("listening", TIMEOUT_S)
        starts = device.starts
        power.power_set(True)
        assert device.starts == starts  # on already
        power.power_set(False)
        assert power.power_get() is False and device.code == -9
        power.power_set(False)
        power.power_set(True)
        assert ask("GET", switch.url.format(index=index, value="cycle")) == "1" and device.starts == starts + 2
        power.power_set(False)
    assert [device.runs for device in switch.devices] == [False, False]


def test_a_device_that_lost_power_inside_is_off(switch):
    power, device = models(switch, 0)[0], switch.devices[0]
    power.power_set(True)
    device.wait_for("listening", TIMEOUT_S)
    device.send("cut")
    assert device.wait(TIMEOUT_S) == POWER_CUT and power.power_get() is False
    power.power_set(True)
    assert power.power_get() is True


def test_power_comes_back(devices):
    with PowerSwitch(devices, back_s=0.1) as switch:
        switch.on(0)
        devices[0].wait_for("listening", TIMEOUT_S)
        starts = devices[0].starts
        devices[0].send("cut")
        deadline = time.monotonic() + TIMEOUT_S
        while devices[0].starts == starts and time.monotonic() < deadline:
            time.sleep(0.02)
        assert devices[0].starts == starts + 1 and devices[0].runs and not devices[1].runs
    assert not devices[0].runs


@pytest.mark.parametrize("index", [0, 1])
def test_dirty_power_goes_inside_an_operation(devices, index):
    """An idle device does no operation: then the power goes a second later all the same."""
    with PowerSwitch(devices, dirty=True) as switch:
        switch.on(index)
        devices[index].wait_for("listening", TIMEOUT_S)
        switch.off(index)
        assert devices[index].code == -9
        devices[index].on()
        devices[index].send("button")
        devices[index].wait_for("button", TIMEOUT_S)
        switch.off(index)
        assert not devices[index].runs


@pytest.mark.parametrize(
    "path", ["/", "/2", "/x", "/-1", "/0/2", "/0/on/off", "/0/1/1", "/0/console/1", "/0/Banks", "//", "/%30", "/?0"]
)
def test_wrong_requests_switch_nothing(switch, path):
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask("GET", "http://127.0.0.1:%d" % switch.port + path)
    assert caught.value.code in (400, 404) and caught.value.read()
    assert not any(device.runs for device in switch.devices)


@pytest.mark.parametrize("body", [b"2", b"", b"x" * 5000, b"\xff"])
def test_wrong_bodies_switch_nothing(switch, body):
    link = http.client.HTTPConnection("127.0.0.1", switch.port, timeout=TIMEOUT_S)
    link.request("PUT", "/0", body)
    assert link.getresponse().status == 400
    link.close()
    assert not any(device.runs for device in switch.devices)


def shown(switch, index, what):
    return ask("GET", "http://127.0.0.1:%d/%d/%s" % (switch.port, index, what))


@pytest.mark.parametrize("index", [0, 1])
def test_console(switch, index):
    device = switch.devices[index]
    switch.on(index)
    device.wait_for("state", TIMEOUT_S)
    switch.cycle(index)
    device.wait_for("state", TIMEOUT_S)
    assert len(device.lines) < 6 and shown(switch, index, "console").count("listening ") >= 2  # of the start before too
    for _ in range(300):
        device.send("nonsense")
    device.send("quit")
    assert device.wait(TIMEOUT_S) == 0
    lines = shown(switch, index, "console").splitlines()
    assert len(lines) == 200 and lines[-1] == "end 0" and "error no such command: nonsense" in lines


def test_banks(switch):
    assert [bank["state"] for bank in json.loads(shown(switch, 0, "banks"))["banks"]] == ["confirmed", "empty"]
    switch.on(0)
    switch.devices[0].wait_for("boot", TIMEOUT_S)
    full = 64 * 1024 / (960 * 1024)  # of a bank of the usual chip
    assert json.loads(shown(switch, 0, "banks")) == {
        "banks": [
            {"name": "bank0", "state": "runs", "version": "1.0", "fill": round(full, 4)},
            {"name": "bank1", "state": "empty", "version": "", "fill": 0},
        ]
    }


def test_banks_are_only_read(tmp_path):
    """Whatever is in the file: an answer, and not a byte of it changed."""
    files = sim_files.make(tmp_path / "device")
    device = SimProcess(command(files.flash, files.provision))
    whole = files.flash.read_bytes()
    for damage in (0, 6 * 4096, 6 * 4096 + 200, 64 * 1024):
        files.flash.write_bytes(whole[:damage] + b"\x00" * 64 + whole[damage + 64 :])
        before, time_before = files.flash.read_bytes(), files.flash.stat().st_mtime_ns
        banks = device.banks()
        assert len(banks) == 2 and banks[0]["version"] == ("" if 0 < damage < 64 * 1024 else "1.0")
        assert (files.flash.read_bytes(), files.flash.stat().st_mtime_ns) == (before, time_before)
    files.flash.write_bytes(b"short")
    assert device.banks() == []
    files.flash.unlink()
    assert device.banks() == [] and not files.flash.exists()


def test_fumo_sim_run(tmp_path):
    for name in ("a", "b"):
        sim_files.make(tmp_path / name)
    words = [sys.executable, "-m", "flash_tools.cli", "sim", "run", str(tmp_path / "a"), str(tmp_path / "b"), "--off"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().split()[1]
        assert SimpleRest(url, 1).power_get() is False
        SimpleRest(url, 1).power_set(True)
        assert process.stdout.readline() == "1 boot 1 bank 0 confirmed version 1.0 good power\n"
        for line in ("1 status", "9 status", "0 on"):
            process.stdin.write(line + "\n")
            process.stdin.flush()
            lines = [process.stdout.readline()]
            while line == "1 status" and not lines[-1].startswith("1 status {"):
                lines.append(process.stdout.readline())
        assert lines == ["0 boot 1 bank 0 confirmed version 1.0 good power\n"]
        assert process.stdout.readline().startswith("0 listening ")
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0


def test_labgrid_itself(switch):
    """Where labgrid is installed, its own driver does it."""
    pytest.importorskip("labgrid", reason="labgrid is not installed: pip install labgrid")
    from labgrid import Target
    from labgrid.driver import NetworkPowerDriver
    from labgrid.resource import NetworkPowerPort

    target = Target("main")
    NetworkPowerPort(target, "power", model="simplerest", host=switch.url, index="0")
    driver = NetworkPowerDriver(target, "driver", delay=0.1)
    target.activate(driver)
    driver.on()
    assert driver.get() is True
    starts = switch.devices[0].starts
    driver.cycle()
    assert switch.devices[0].starts == starts + 1
    driver.off()
    assert driver.get() is False
