"""A fleet: many devices in one process, each as good as one that is a process of its own."""

import json
import time
import urllib.request

import pytest

from flash_tools.errors import ToolError
from flash_tools.fleet import Fleet, make_many, read_many
from flash_tools.fleet.cuts import EFFECTS
from flash_tools.server.bench import BenchServer
from flash_tools.sim.sim_power import PowerSwitch
from flash_tools.sim.sim_process import POWER_CUT, SimProcess, command
from ports.sim.process import DEFECT
from tests.host.fleets import eventually
from tests.host.sim_devices import TIMEOUT_S

K = 1024
COUNT = 8


@pytest.fixture(scope="module")
def server():
    with BenchServer() as server:
        yield server


@pytest.fixture
def bundles(server):
    return [server.add_device("fleet:%d" % number) for number in range(COUNT)]


def order_all(server, fleet, package):
    return [
        server.order(facts(device)["DevId"], package, notify=("127.0.0.1", device.port())) for device in fleet.devices
    ]


def facts(device):
    return device.files.facts()["device"]


def listening(fleet):
    for device in fleet.devices:
        device.wait_for("listening", TIMEOUT_S)


def runs(device):
    return [bank["version"] for bank in device.banks() if bank["state"] == "runs"]


class Run:
    """A fleet that updates while its power fails."""

    def __init__(self, server, folder, bundles, **settings):
        self.lines, self.count = {number: [] for number in range(len(bundles))}, len(bundles)
        self.fleet = Fleet(folder, bundles, cuts="random", seed=3, poll_s=4, trial_s=0.2, **settings)
        self.fleet.start(lambda index, line: self.lines[index].append(line))
        listening(self.fleet)
        self.orders = order_all(server, self.fleet, server.add_package(self.fleet.files[0].update("2.0")))

    def check(self):
        fleet = self.fleet
        for order in self.orders:
            outcome = order.wait(TIMEOUT_S)
            assert outcome.code == 200 and len([report for report in outcome.alerts if not report.copy]) == 1
        for device in fleet.devices:
            eventually(lambda device=device: runs(device) == ["2.0"])
        fleet.stop()
        assert fleet.cuts.inside >= self.count // 2 and fleet.cuts.inside + fleet.cuts.between <= 3 * self.count
        cuts = [line.split()[1] for said in self.lines.values() for line in said if line.startswith("cut ")]
        assert cuts.count("between") == fleet.cuts.between and len(cuts) - cuts.count("between") == fleet.cuts.inside
        assert set(cuts) <= {*EFFECTS, "between"}
        assert not any("defect" in line for said in self.lines.values() for line in said)


def test_all_of_them_update_while_power_fails(server, bundles, tmp_path):
    """Flash in memory and flash in files, at the same time."""
    in_memory = Run(server, tmp_path / "memory", bundles[:-2])
    in_files = Run(server, tmp_path / "files", bundles[-2:], in_memory=False)
    in_memory.check()
    in_files.check()


def test_a_device_is_what_a_process_is(server, tmp_path):
    """The same flash, the same lines: from the fleet to a process and back."""
    bundle = server.add_device("both:1")
    with Fleet(tmp_path, [bundle], in_memory=False, trial_s=0, until_idle=True, request_update=True) as fleet:
        fleet.start()
        assert fleet.wait(TIMEOUT_S)
        said = list(fleet.devices[0].lines)
        assert said[-1] == "idle" and fleet.devices[0].code == 0 and fleet.devices[0].runs is False
    files = read_many(tmp_path)[0]
    options = ("--notify-port", 0, "--trial-s", 0, "--until-idle", "--request-update")
    server.order("both:1", server.add_package(files.update("2.0")))
    with SimProcess(command(files.flash, files.provision, *options)) as process:
        assert process.wait(TIMEOUT_S) == 0
        assert "result 200" in process.lines and process.lines[: len(said) - 1] != said
        alike = [line for line in process.lines if line.split()[0] not in ("listening", "progress")]
    server.order("both:1", server.add_package(files.update("3.0")))
    with Fleet(tmp_path, in_memory=False, trial_s=0, until_idle=True, request_update=True) as fleet:
        assert [bank["state"] for bank in fleet.devices[0].banks()] == ["spare", "confirmed"]
        fleet.start()
        assert fleet.wait(TIMEOUT_S)
        again = [line for line in fleet.devices[0].lines if line.split()[0] not in ("listening", "progress")]
    mirrored = {"bank 0": "bank 1", "bank 1": "bank 0", "version 1.0": "version 2.0", "version 2.0": "version 3.0"}
    expected = [_swap(line, mirrored) for line in alike]
    expected[expected.index("state 10")] = "state 90"  # what the update before has left
    assert again == expected


def _swap(line, words):
    return " ".join(words.get(pair, pair) for pair in _pairs(line))


def _pairs(line):
    words = line.split()
    if words[0] != "boot":
        return [line]
    return [*words[:2], " ".join(words[2:4]), words[4], " ".join(words[5:7]), *words[7:]]


@pytest.fixture
def pair(tmp_path):
    """Two devices without anybody to talk to."""
    with Fleet(tmp_path, [{}, {}]) as fleet:
        yield fleet.start(on=False)


def test_power_and_commands(pair):
    first, second = pair.devices
    assert not first.runs and first.code is None
    first.on()
    first.on()
    assert first.runs and first.starts == 1 and not second.runs
    first.wait_for("listening", TIMEOUT_S)
    first.send("status")
    assert json.loads(first.wait_for("status", TIMEOUT_S).partition(" ")[2])["version"] == "1.0"
    first.send("reset watchdog")
    first.wait_for("boot 2 bank 0 confirmed version 1.0 good watchdog", TIMEOUT_S)
    first.send("cut")
    eventually(lambda: not first.runs)
    assert first.code == POWER_CUT and first.lines[-1].startswith("cut between at ")
    first.cycle()
    first.wait_for("boot 1", TIMEOUT_S)
    first.off()
    assert first.code == -9 and not first.runs
    first.send("status")
    first.on()
    first.send("quit")
    eventually(lambda: not first.runs)
    assert first.code == 0 and first.lines[-1] == "end 0" and not any("status" in line for line in first.lines)
    assert {line for line in first.console() if line.startswith("listening")} == {"listening %d" % first.port()}
    with pytest.raises(ToolError, match="never said 'nonsense'"):
        first.wait_for("nonsense", 0.1)


def test_a_defect_ends_one_device(pair, monkeypatch):
    for device in pair.devices:
        device.on()
        device.wait_for("listening", TIMEOUT_S)
    board, chip = pair.devices[0].board, pair.devices[0].board.flash
    monkeypatch.setattr(board.agent, "step", lambda: chip.program(0, b"\x00" * 300))
    pair.devices[0].send("status")
    eventually(lambda: not pair.devices[0].runs)
    assert pair.devices[0].code == DEFECT and pair.devices[0].lines[-1].startswith("defect ")
    assert pair.devices[1].runs


def test_behind_a_power_switch(pair):
    with PowerSwitch(pair.devices) as switch:

        def ask(path):
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (switch.port, path), timeout=TIMEOUT_S) as answer:
                return answer.read().decode()

        assert [ask("/1"), ask("/1/1"), ask("/1"), ask("/0")] == ["0", "1", "1", "0"]
        pair.devices[1].wait_for("listening", TIMEOUT_S)
        assert ask("/1/console").startswith("boot 1 bank 0 confirmed version 1.0")
        banks = json.loads(ask("/1/banks"))["banks"]
        assert [(bank["name"], bank["state"], bank["version"]) for bank in banks] == [
            ("bank0", "runs", "1.0"), ("bank1", "empty", ""),
        ]  # fmt: skip
        assert json.loads(ask("/0/banks"))["banks"][0]["state"] == "confirmed"
        assert ask("/1/cycle") == "1" and pair.devices[1].starts == 2


def test_files_of_many(tmp_path):
    began = time.monotonic()
    made = make_many(tmp_path, [{"device_id": "n:%d" % number} for number in range(300)])
    assert time.monotonic() - began < 5 and len(made) == 300
    again = read_many(tmp_path)
    assert [files.facts()["device"]["DevId"] for files in again[::100]] == ["n:0", "n:100", "n:200"]
    assert len({files.facts()["device_key"] for files in again}) == 300  # each its own
    assert len({json.dumps(files.facts()["anchors"]) for files in again}) == 1
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0 and again[7].provision.stat().st_mode & 0o077 == 0
    first = (tmp_path / "first.bin").read_bytes()
    more = make_many(tmp_path, [{"device_id": "late"}], version="9.9")
    assert (tmp_path / "first.bin").read_bytes() == first
    assert len(more) == 301 and more[300].facts()["anchors"] == again[0].facts()["anchors"]
    with pytest.raises(ToolError, match="holds no fleet"):
        read_many(tmp_path / "0000")
    with pytest.raises(ToolError, match="cuts are one of"):
        Fleet(tmp_path, cuts="often")
