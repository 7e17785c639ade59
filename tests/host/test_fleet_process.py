"""`python -m flash_tools.fleet`: a fleet as a process of its own; and that one which rests costs next to nothing."""

import json
import os
import subprocess
import time

import pytest

from flash_tools.errors import ToolError
from flash_tools.fleet import Fleet, read_many
from flash_tools.fleet.__main__ import parser
from flash_tools.fleet.files import read_bundles
from flash_tools.fleet.launch import command
from flash_tools.fleet.loop import Loop
from flash_tools.server.bench import BenchServer
from flash_tools.sim.sim_process import ROOT, SimProcess
from tests.host.sim_devices import TIMEOUT_S


def bundle_file(path, bundles):
    path.write_text("".join(json.dumps(bundle) + "\n" for bundle in bundles))
    return path


def test_a_fleet_as_a_process(tmp_path):
    with BenchServer() as server:
        bundles = bundle_file(tmp_path / "bundles", [server.add_device("p:%d" % number) for number in range(3)])
        options = ("--bundles", bundles, "--power-port", 0, "--trial-s", 0, "--in-files")
        fleet = SimProcess(command(tmp_path / "fleet", *options))
        with fleet:
            ports = [int(fleet.wait_for("%d listening" % number, TIMEOUT_S).split()[2]) for number in range(3)]
            assert fleet.lines[0].startswith("power http://127.0.0.1:")
            package = server.add_package(read_many(tmp_path / "fleet")[0].update("2.0"))
            server.order("p:1", package, notify=("127.0.0.1", ports[1]))
            fleet.wait_for("1 reported 200", TIMEOUT_S)
            fleet.send("1 banks")
            banks = json.loads(fleet.wait_for("1 banks", TIMEOUT_S).split(" ", 2)[2])
            assert [(bank["state"], bank["version"]) for bank in banks] == [("spare", "1.0"), ("runs", "2.0")]
            for wrong in ("3 on", "x", "1", "-1 off", ""):
                start = len(fleet.lines)
                fleet.send(wrong)
                fleet.wait_for("error no such device", TIMEOUT_S, start)
            start = len(fleet.lines)
            fleet.send("0 cycle")
            fleet.wait_for("0 boot 1 bank 0", TIMEOUT_S, start)
            fleet._process.stdin.close()  # whoever has started it is gone
            assert fleet.wait(TIMEOUT_S) == 0
        fleet.command = command(tmp_path / "fleet", "--until-idle", "--in-files")
        fleet.on()
        assert fleet.wait(TIMEOUT_S) == 0
        boots = sorted(line for line in fleet.lines if " boot " in line)
        assert [line.split()[7] for line in boots] == ["1.0", "2.0", "1.0"] and "2 idle" in fleet.lines


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--bundles", "missing"), "cannot read missing"),
        ((), "holds no fleet"),
        (("--bundles", "/dev/null"), "an account has at least"),
        (("--cuts", "often"), "invalid choice"),
        (("--notify-base", "99999"), "a UDP port is at most"),
    ],
)
def test_what_the_user_can_mend_is_one_line(tmp_path, words, said):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command(tmp_path / "fleet", *words), env=environment, capture_output=True, text=True, timeout=TIMEOUT_S,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode in (1, 2) and said in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


def test_the_page_names_every_option():
    text = (ROOT / "docs" / "simulator.md").read_text().partition("## A fleet")[2].partition("\n## ")[0]
    options = {option for action in parser()._actions for option in action.option_strings} - {"-h", "--help"}
    assert len(options) > 20
    for option in options:
        assert "`%s" % option in text, option


def test_bundles(tmp_path):
    one, two = {"url": "https://a/", "server_id": "a"}, {"url": "https://b/", "server_id": "b"}
    (tmp_path / "2.json").write_text(json.dumps(two, indent=1))
    bundle_file(tmp_path / "1.jsonl", [one, two])
    (tmp_path / "3.json").write_text(json.dumps([one]))
    assert read_bundles(tmp_path) == [one, two, two, one]
    for wrong in ("{", '{"url": 1}', "[1]", "7", "{}\n{", ""):
        (tmp_path / "wrong").write_text(wrong)
        with pytest.raises(ToolError):
            read_bundles(tmp_path / "wrong")


def test_who_rests_costs_next_to_nothing(tmp_path):
    """A hundred devices: looked at once a second each, and the process is asleep in between."""
    with Fleet(tmp_path, [{}] * 100) as fleet:
        fleet.start()
        for device in fleet.devices:
            device.wait_for("listening", TIMEOUT_S)
        time.sleep(0.5)
        before, began = time.thread_time(), time.monotonic()
        used = time.process_time()
        time.sleep(1.5)
        share = (time.process_time() - used - (time.thread_time() - before)) / (time.monotonic() - began)
        assert share < 0.1  # measured: 0.01


def test_a_notification_ends_the_rest(tmp_path):
    """By itself a device looks once a second; what came while it had no power nobody has heard."""
    with BenchServer() as server, Fleet(tmp_path, [server.add_device("n:%d" % n) for n in range(4)]) as fleet:
        fleet.start()
        soon = []
        for number, device in enumerate(fleet.devices):
            device.wait_for("listening", TIMEOUT_S)
            time.sleep(0.1)
            deaf = number == 3
            if deaf:
                device.off()
            server.notify("n:%d" % number, ("127.0.0.1", device.port()))
            began = time.monotonic()
            if deaf:
                device.on()
                time.sleep(0.5)
                assert device.runs and not any("session open" in line for line in device.lines)
            else:
                device.wait_for("session open", TIMEOUT_S)
                soon.append(time.monotonic() - began)
        assert sorted(soon)[1] < 0.2


def test_the_loop_hands_errors_to_who_called():
    loop = Loop()
    loop.start()
    with pytest.raises(ZeroDivisionError):
        loop.call(lambda: 1 // 0)
    assert loop.call(lambda: 7) == 7
    loop.stop()
    assert loop.call(lambda: 8) == 8  # nobody is there any more: done by who asks
