"""Firmware that fails in every way that firmware can: the board falls back by itself, and says 410."""

import pytest

from tests.rig import chip_facts

pytestmark = pytest.mark.lg_feature("emulated")
OLD, NEW = "1.0", "2.0"
BITES = ("hang", "deadlock", "panic")  # only the hardware watchdog ends these
BEHAVIOURS = ("exit", *BITES)  # a crash and a failed self-test are among the scenarios


@pytest.mark.parametrize(
    "behaviour", [pytest.param(name, marks=pytest.mark.short) if name == "hang" else name for name in BEHAVIOURS]
)
def test_bad_firmware_is_rolled_back(make_rig, behaviour):
    rig = make_rig(user="yes", trial_s=1, trial_max_s=8)
    machine = rig.strategy.power.program.machine
    package = rig.server.add_package(rig.update(NEW, behaviour), "fw-2.0.fup")
    before = machine.events("WATCHDOG")
    order = rig.order(package, "download-and-update")
    outcome = order.wait(300)
    rig.wait("reported", timeout_s=60)
    assert (outcome.result, outcome.code, outcome.firmware_version) == ("done", 410, OLD), rig.heard[-20:]
    assert {report.code for report in outcome.alerts} == {410}
    boots = [line for line in rig.heard if line.startswith("boot ")]
    assert "confirmed version 1.0" in boots[-1]
    if behaviour in BITES:
        assert machine.events("WATCHDOG") > before + 1, "the restart that was ordered, and the watchdog's bite"
    rig.power(False)
    facts = chip_facts.read(rig.strategy.power.program.folder / "flash.img")
    assert facts.safe == OLD and facts.phase == "idle"


def test_confirmed_firmware_that_crashes_gives_way_to_the_one_before(make_rig):
    rig = make_rig(user="yes", trial_s=1, trial_max_s=60)
    package = rig.server.add_package(rig.update(NEW, "crash-confirmed"), "fw-2.0.fup")
    order = rig.order(package, "download-and-update")
    rig.wait("reported", timeout_s=rig.update_s)
    assert order.wait(60).code == 200
    since = rig.now
    rig.cycle("for the new firmware to start as the confirmed one")
    line = rig.wait("boot", since=since, timeout_s=rig.update_s)
    while "version 1.0" not in line:
        line = rig.wait("boot", since=rig.heard.index(line, since) + 1, timeout_s=rig.update_s)
    rig.wait("listening", since=rig.heard.index(line, since), timeout_s=60)
