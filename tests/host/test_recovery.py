"""Serial recovery as its owner sees it: simulated devices as processes, and the real smpclient."""

import time

import pytest

pytest.importorskip("smpclient", reason="pip install smpclient")
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from flash_tools.sim.sim_process import SimProcess, command
from tests.host import recovery_owner as owner
from tests.host.recovery_bench import INTERPRETERS, OPTIONS, Bench, K, keeps


@INTERPRETERS
def test_an_upload_is_tried_and_kept(tmp_path, micropython):
    with Bench(tmp_path, micropython=micropython).in_recovery() as bench:
        package, seen = bench.update(), []
        assert owner.echo(bench.link) == "here" and owner.states(bench.link) == []
        assert owner.upload(bench.link, package, seen=seen.append) == 1
        assert seen[-1] == len(package)
        listed = owner.states(bench.link)
        assert [(one.slot, one.version, one.pending, one.confirmed) for one in listed] == [(1, "2.0", True, False)]
        owner.reset(bench.link)
        bench.wait_for("recovery upload %d of %d" % (len(package), len(package)))
        bench.wait_for("recovery end reset")
        keeps(bench, "2.0")


def test_what_is_refused_changes_nothing(tmp_path):
    with Bench(tmp_path).in_recovery() as bench:
        good, strange = bench.update(), sim_files.SimFiles(bench.files.folder, chip_kib=1024, key=keys.new_key())
        other = sim_files.SimFiles(bench.files.folder, "other", chip_kib=1024, key=bench.files.key)
        model = sim_files.SimFiles(bench.files.folder, model="other", chip_kib=1024, key=bench.files.key)
        layout = sim_files.SimFiles(bench.files.folder, chip_kib=2048, key=bench.files.key)
        old = bench.files.image("1.0", size=32 * K)
        delta = bench.files.package(bench.files.image("2.0"), 6, "delta", old)
        refused = {
            "key": strange.update("2.0", counter=6),
            "product": other.update("2.0", counter=6),
            "model": model.update("2.0", counter=6),
            "layout": layout.update("2.0", counter=6),
            "counter": bench.update(counter=4),
            "full image": delta,
            "copy it again": good[:-300],
            "ends before": good[:200],
            "not an update package": bytes(5000),
        }
        before = bench.files.flash.read_bytes()
        for why, package in refused.items():
            with pytest.raises(owner.Refused, match=why):
                owner.upload(bench.link, package)
            assert bench.files.flash.read_bytes() == before, why
        assert owner.states(bench.link) == []
        owner.upload(bench.link, good)
        owner.reset(bench.link)
        keeps(bench, "2.0")


def test_nothing_can_be_confirmed_from_outside(tmp_path):
    with Bench(tmp_path).in_recovery() as bench:
        owner.upload(bench.link, bench.update(), slot=1)
        image = owner.states(bench.link)[0]
        assert not image.pending
        with pytest.raises(owner.Refused):
            owner.choose(bench.link, image.hash, confirm=True)
        with pytest.raises(owner.Refused):
            owner.choose(bench.link, bytes(32))
        assert not owner.states(bench.link)[0].pending
        assert owner.choose(bench.link, image.hash).images[0].pending
        owner.reset(bench.link)
        keeps(bench, "2.0")


def test_a_reset_alone_tries_what_was_uploaded(tmp_path):
    with Bench(tmp_path).in_recovery() as bench:
        owner.upload(bench.link, bench.update(), slot=1)
        owner.reset(bench.link)
        keeps(bench, "2.0")


def test_a_button_at_power_on(tmp_path):
    with Bench(tmp_path, ruined=False, options=("--recovery-button",)).in_recovery() as bench:
        owner.upload(bench.link, bench.update())
        owner.reset(bench.link)
        bench.wait_for("boot 2 bank 1 trial version 2.0 good commanded")
        bench.wait_for("state 90")


def test_the_console_while_the_agent_runs(tmp_path):
    import serial

    with Bench(tmp_path, ruined=False) as bench:
        bench.device.on()
        bench.wait_for("state 10")
        with serial.Serial(str(bench.link), timeout=10) as line:
            line.write(b"\xff\xfe\n\r\nstatus\r\nwhat\n")
            assert line.read_until(b"status {").endswith(b"status {") and line.readline().endswith(b"}\r\n")
            assert line.readline() == b"error no such command: what\r\n"
            line.write(b"recovery\n")
            assert [line.readline() for _ in range(3)] == [
                b"done recovery\r\n", b"reset commanded\r\n", b"recovery 60\r\n",
            ]  # fmt: skip
        assert owner.echo(bench.link) == "here"
        owner.reset(bench.link)
        bench.wait_for("boot 3 bank 0 confirmed version 1.0 good commanded")
        with serial.Serial(str(bench.link), timeout=10) as line:
            line.write(b"status\n")
            assert line.read_until(b"status {").endswith(b"status {")
        bench.device.send("quit")
        assert bench.device.wait(10) == 0


def test_a_device_without_a_line_refuses(tmp_path):
    with Bench(tmp_path, ruined=False) as bench:
        bench.device = SimProcess(command(bench.files.flash, bench.files.provision, *OPTIONS))
        bench.device.on()
        bench.wait_for("state 10")
        bench.device.send("recovery")
        bench.wait_for("refused recovery: this board has no serial recovery")


def test_a_device_can_be_told_to_end_in_recovery(tmp_path):
    with Bench(tmp_path).in_recovery() as bench:
        begun = time.monotonic()
        bench.device.send("quit")
        assert bench.device.wait(10) == 0 and time.monotonic() - begun < 5
