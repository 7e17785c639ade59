"""The whole agent with a target beside it: a server orders, the package comes over the network, the alert tells the result."""

import pytest

from agent import reset
from ports.sim.device import CUT
from ports.sim.device_agent import AgentDevice
from ports.sim.nor import Nor
from ports.sim.power import Reset
from ports.sim.watchdog import Watchdog
from tests.host.cotarget_rig import CHIP, board, image, package, put_header, wire
from tests.host.scripted import Bench, nothing, order
from tests.portable.mcuboot_target import Target, hash_of
from tests.soak import goods

GOODS = {"key": goods.TRUSTED, "model": goods.MODEL}
OLD, NEW = package("1", 1, **GOODS), package("2", 1, **GOODS)


class TargetDevice(AgentDevice):
    """A Pi: no first stage, and a restart is one of the agent, behind a reset of the target."""

    def reboot(self):
        self.hardware.restart()
        raise Reset(reset.COMMANDED)

    def _run(self):
        self.where, self.update = "agent", None
        self.cause = self.reset_to_come
        self.watchdog = Watchdog(self.clock, 15000)
        self.flash.power_on(self.watchdog.feed, True)
        self.hardware = wire(self, self.flash, self.target, self.target.pin, self.watchdog.feed)
        self.server.powered(self)
        self.version = "pi"
        return self._run_agent(None)


class TargetBench(Bench):
    """The scripted bench, its device a Pi with a target."""

    def __init__(self, *scripts, behaviour="good", **options):
        super().__init__(*scripts, **options)
        self.flash = Nor(CHIP, self.clock)
        self.flash.poll_us = 20000
        put_header(self.flash, OLD)
        behaviours = {hash_of(image("2")): behaviour, hash_of(image("1")): "good"}
        target = Target(self.clock, self.flash, board.SLOT_START, board.SLOT_SIZE, image("1"), behaviours)
        old = self.device
        self.device = TargetDevice(self.flash, self.clock, None, old.identity, self.net, old.options, self)
        self.device.target = self.target = target
        self.clock.sleep_ms(5000)

    def run(self, seconds=1200, boots=20):
        self._ends_at, ends = self.clock.ms() + seconds * 1000, []
        while "idle" not in ends and len(ends) < boots:
            ends.append(self.device.boot())
            if ends[-1] == CUT:
                self.flash.faults.cut_at = 0
                self.target.pin(0)
        return ends


@pytest.mark.parametrize(
    ("behaviour", "code", "version"), [("good", 200, "2"), ("silent", 410, "1"), ("crash", 410, "1")]
)
def test_an_update_over_the_air(behaviour, code, version):
    bench = TargetBench(order("dau"), files={("bench", "/p.fup"): NEW}, behaviour=behaviour)
    bench.run()
    assert bench.results == [("a", code)]
    assert (
        bench.agent.management.firmware_version() == version
        and bench.target.primary == image(version)
        and bench.target.image_ok
    )


def test_a_package_is_held_and_tried_later():
    """While it is held the target works on, with nothing asked of it."""
    seen = []

    def ask(bench, agent):
        if agent.record.idle and agent.record.package.bank == 1 and not agent.in_session:
            seen.append((bench.target.held, bench.target.request(), bench.target.swaps))
            if len(seen) == 40:
                bench.notify()

    files = {("bench", "/p.fup"): NEW}
    bench = TargetBench(order("download"), nothing, order("update", correlator="b"), files=files, ask=ask)
    bench.run()
    assert bench.results == [("a", 200), ("b", 200)]
    assert seen[39] == (False, "none", 0) and bench.target.primary == image("2")


def test_an_image_that_is_no_mcuboot_image_is_never_tried():
    junk = package("2", 1, data=b"no image" * 500, **GOODS)
    bench = TargetBench(order("dau"), files={("bench", "/p.fup"): junk})
    bench.run()
    assert bench.results == [("a", 410)] and bench.target.swaps == 0 and not bench.target.held


def test_a_delta_is_refused_because_nobody_can_read_what_the_target_runs():
    delta = package("2", 1, encoding="delta", old_image=image("1"), **GOODS)
    bench = TargetBench(order("dau"), files={("bench", "/p.fup"): delta})
    bench.run()
    assert bench.results == [("a", 403)] and bench.target.swaps == 0 and not bench.target.held


def test_a_target_that_runs_a_trial_of_somebody_else_is_left_alone():
    bench = TargetBench(order("dau"), files={("bench", "/p.fup"): NEW})
    bench.target.copy_done, bench.target.image_ok = True, False
    bench.target.behaviours[hash_of(image("1"))] = "manual"
    bench.flash.load(0, image("2"))
    bench.run(seconds=300)
    assert 200 not in [code for _, code in bench.results] and bench.target.swaps == 0


def test_power_cuts_during_an_update_over_the_air():
    calm = TargetBench(order("dau"), files={("bench", "/p.fup"): NEW})
    calm.run()
    start, told = TargetBench().flash.ops, 0
    for number in range(start + 1, calm.flash.ops, (calm.flash.ops - start) // 12):
        bench = TargetBench(order("dau"), files={("bench", "/p.fup"): NEW})
        bench.flash.faults.plan(number, ("none", "half", "prefix", "done")[number % 4], number)
        ends = bench.run()
        if not bench.results:  # the order was not taken before the cut, and the script has it once only
            assert bench.target.swaps == 0
            continue
        told += 1
        assert CUT in ends and set(bench.results) == {("a", 200)}, (number, bench.results, ends)
        assert bench.target.primary == image("2") and bench.target.image_ok
    assert told > 8
