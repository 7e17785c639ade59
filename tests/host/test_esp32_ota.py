"""Whole updates of an ESP32 that boots A/B by itself: good ones, bad ones, boards and builds that will not do."""

import pytest

from agent.errors import AgentError, FlashError
from hal.region import layout_hash
from ports.sim import firmware
from ports.sim.device import IDLE
from ports.sim.power import Violation
from tests.host.esp32_bench import BOARD, LAYOUT, EspBench, image, package
from tests.host.scripted import order
from tests.portable.esp32_model import ABORTED, NEW, VALID
from tests.soak import goods


@pytest.mark.parametrize("encoding", ["none", "deflate", "delta"])
def test_an_update_is_tried_and_kept(encoding):
    bench = EspBench(order("dau"), encoding=encoding)
    assert bench.run() == ["reset", IDLE] and bench.results == [("a", 200)]
    assert bench.device.started == [(0, False), (1, True)] and bench.device.esp.states() == [(1, VALID)] * 2
    esp = bench.device.esp
    assert esp.cells(esp.slots[1][3], len(image(goods.NEW))) == image(goods.NEW) and bench.ends_with == goods.NEW
    assert bench.states[-1] == 90 and bench.device.hardware.layout == layout_hash(LAYOUT)
    before = bench.chip.trace.count("otadata")
    assert bench.run() == [IDLE] and bench.device.started[-1] == (1, False)
    assert bench.chip.trace.count("otadata") == before  # a normal boot writes nothing there


def test_it_goes_there_and_back():
    bench = EspBench(order("dau"))
    bench.run()
    back = []
    bench.ask = lambda bench, agent: back or back.append(bench.device.make_control(dict).obey(["rollback"]))
    assert bench.run() == ["reset", IDLE] and back == ["done rollback"]
    assert bench.device.started[2:] == [(1, False), (0, True)] and bench.ends_with == goods.OLD
    assert bench.device.version == goods.OLD and bench.results == [("a", 200)]


@pytest.mark.parametrize("behaviour", [firmware.CRASH, firmware.HANG, firmware.UNFIT])
@pytest.mark.parametrize("causes", [True, False])
def test_a_trial_that_fails(behaviour, causes):
    bench = EspBench(order("dau"), behaviour=behaviour, causes=causes)
    bench.run()
    trials = 1 if causes else 3  # a board that cannot tell why it starts tries three times
    assert bench.results == [("a", 410)] and bench.device.started.count((1, True)) == trials
    assert bench.device.started[-1] == (0, False) and bench.ends_with == goods.OLD
    assert (1, ABORTED) in bench.device.esp.states()


def test_one_update_after_the_other():
    """Each into the other slot, a failure between: the entries never name what was not tried."""
    bench = EspBench(order("dau"))
    bench.run()
    for number, (behaviour, code) in enumerate(((firmware.CRASH, 410), (firmware.GOOD, 200))):
        version = (goods.OTHER, goods.OWNERS)[number]
        made = image(version, behaviour)
        bench.images.append(made)
        bench.files[("bench", "/q%d" % number)] = package(version, behaviour)
        bench.policies["bench"]._scripts.append(order("dau", "/q%d" % number, "c%d" % number))
        bench.notify()
        bench.run()
        assert bench.results[-1] == ("c%d" % number, code), bench.said
    assert bench.ends_with == goods.OWNERS and bench.device.esp.states() == [(0, VALID)] * 2


def test_firmware_that_ends_with_an_error_in_its_trial_falls():
    bench = EspBench(order("dau"))

    def ask(bench, agent):
        if bench.device.started[-1][1]:
            raise AgentError("a defect of the new firmware")

    bench.ask = ask
    bench.run()
    assert bench.results == [("a", 410)] and bench.ends_with == goods.OLD


def test_what_is_no_esp_image_is_never_tried():
    for data in (b"no image at all" * 1000, image(goods.NEW)[:-1] + b"\x00"):
        bench = EspBench(order("dau"), data=data)
        bench.run()
        assert bench.results == [("a", 410)] and bench.device.started == [(0, False)], bench.said
        assert [line for line in bench.said if "no image for this ESP32" in line] and bench.ends_with == goods.OLD


def test_a_build_without_rollback_is_refused_before_anything_is_written():
    bench = EspBench(order("dau"), rollback=False)
    bench.run()
    assert bench.results == [("a", 410)] and "ota_1" not in bench.chip.trace
    assert [line for line in bench.said if "OSError -261" in line]


def test_a_trial_that_nobody_ordered_is_not_kept():
    bench = EspBench()
    bench.run()
    bench.chip.kept = None
    bench.chip.load(0x20000, image(goods.NEW))
    bench.device.esp.set_boot(bench.device.esp.slots[1])
    assert bench.run() == [IDLE] and bench.device.started[-1] == (1, True)
    assert bench.run() == [IDLE] and bench.device.started[-1] == (0, False) and bench.results == []


def test_the_bank_that_runs_cannot_be_written():
    bench = EspBench()
    bench.run()
    banks = bench.device.hardware.banks
    for write in (lambda: banks[0].image.program(0, b"x"), lambda: banks[0].image.erase(4096, 4096)):
        with pytest.raises(FlashError, match="nothing is written to ota_0: bank 0 is the one that runs"):
            write()
    banks[1].image.erase(0, 4096)
    with pytest.raises(Violation):  # the harness would have seen it
        bench.chip.erase(0x10000, 4096)


def test_a_power_cut_in_the_trial_is_tried_again():
    bench = EspBench(order("dau"))
    powered, cuts = bench.powered, [2]

    def cutting(device):
        powered(device)
        if device.started[-1][1] and cuts[0]:
            cuts[0] -= 1
            bench.chip.faults.plan(bench.chip.ops + 3, "done", 1)

    bench.powered = cutting
    bench.run()
    assert bench.results == [("a", 200)] and bench.device.started.count((1, True)) == 3 and bench.ends_with == goods.NEW


@pytest.mark.parametrize(("behaviour", "code"), [(firmware.GOOD, 200), (firmware.UNFIT, 410)])
def test_a_state_that_a_cut_has_torn_is_a_trial_all_the_same(behaviour, code):
    """The bootloader starts the bank for good; the agent makes a trial of it."""
    bench = EspBench(order("dau"), behaviour=behaviour)
    esp, reboot = bench.device.esp, bench.device.reboot

    def tearing():
        if (1, NEW) in esp.states():
            block = esp.states().index((1, NEW))
            esp.put(block, esp.entry(block)[0], 6)
        reboot()

    bench.device.reboot = tearing
    bench.run()
    assert bench.results == [("a", code)] and bench.ends_with == (goods.NEW if code == 200 else goods.OLD)
    assert [line for line in bench.said if "torn" in line] and (1, True) in bench.device.started


def test_no_call_starves_the_watchdog():
    bench = EspBench(order("dau"))
    bench.chip.worst = True
    bench.run()
    assert bench.results == [("a", 200)] and 0 < bench.device.longest_gap_ms < BOARD.WATCHDOG_MS // 2
