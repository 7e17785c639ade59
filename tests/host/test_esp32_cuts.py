"""Whole updates of an ESP32 with the power cut at each operation of its flash: what must come of each, whichever it was."""

import os
import random

from ports.sim import firmware
from ports.sim.device import IDLE
from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
from tests.host.esp32_bench import EspBench
from tests.host.orders_again import OrdersAgain
from tests.host.scripted import order
from tests.soak import goods

EFFECTS = sorted(set(PROGRAM_EFFECTS + ERASE_EFFECTS))
FULL = bool(os.environ.get("FUMO_FULL"))


class CutBench(OrdersAgain, EspBench):
    """The server orders again."""

    def __init__(self, **more):
        super().__init__(order("dau"), **more)


def _told(bench, ends, *where):
    return (*where, ends, bench.results, bench.device.started, bench.said, bench.device.esp.states())


def _cut(number, effect, causes):
    """Cut there, go on to the end, and check it; what runs at each boot is checked by the device."""
    bench = CutBench(causes=causes)
    bench.chip.faults.plan(number, effect, number)
    ends = bench.run()
    told = _told(bench, ends, number, effect)
    assert ends[-1] == IDLE and ends[0] in ("cut", "reset") and bench.chip.faults.cuts == 1, told
    trial = bench.device.started.count((1, True))
    fell = effect == "reset" and causes and trial  # a watchdog's reset in the trial: a fault of the new firmware
    codes = set(bench.results)
    assert codes == {("a", 200)} or fell and codes == {("a", 410)}, told
    assert len(bench.results) == 1 or len(bench.results) == 2 and bench.device.started[-1] == (1, False), told
    assert bench.ends_with == (goods.NEW if codes == {("a", 200)} else goods.OLD), told
    assert trial <= 3, told


def test_every_operation():
    """All that can happen to otadata and to what is written round it; one of them for the rest, journal and bank."""
    calm = CutBench()
    assert calm.run() == ["reset", IDLE] and calm.results == [("a", 200)]
    trace, count = list(calm.chip.trace), 0
    assert {"otadata", "fumo", "ota_1"} == set(trace) and trace.count("otadata") >= 12
    for number, label in enumerate(trace, 1):
        near = "otadata" in trace[max(0, number - 2) : number + 1]
        effects = EFFECTS if label == "otadata" or FULL else EFFECTS[number % len(EFFECTS) :][:1]
        if near or number % 3 == 0 or FULL:
            for effect in effects:
                _cut(number, effect, number % 2 == 0)
                count += 1
    assert count > 180


def test_many_cuts_in_one_update():
    codes = [_cut_often(seed) for seed in range(300 if FULL else 40)]
    assert codes.count(200) > 12 and 410 in codes


def _cut_often(seed):
    """Cut again and again at random; the firmware is good or is not."""
    draw = random.Random(seed)
    bad = seed % 3 == 0
    bench = CutBench(causes=seed % 2 == 0, behaviour=firmware.UNFIT if bad else firmware.GOOD)
    plain, left, ops = bench.powered, [2 + seed % 4], bench.chip

    def powered(device):
        plain(device)
        if left[0]:
            left[0] -= 1
            ops.faults.plan(
                ops.ops + draw.randrange(1, 40 if device.started[-1][1] else 170), draw.choice(EFFECTS), seed
            )

    bench.powered = powered
    ends = bench.run(seconds=12000, boots=40)
    told = _told(bench, ends, seed)
    codes = {code for _, code in bench.results}
    assert ends[-1] == IDLE and len(codes) == 1, told
    assert bench.ends_with == (goods.NEW if codes == {200} else goods.OLD), told
    assert not bad or codes == {410}, told
    return codes.pop()
