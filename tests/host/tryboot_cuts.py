"""Whole updates of a Pi with the power cut at each operation of the card: what must come of each, whichever it was."""

from ports.sim import firmware
from ports.sim.device import IDLE
from tests.host.orders_again import OrdersAgain
from tests.host.scripted import order
from tests.host.tryboot_card import EFFECTS
from tests.host.tryboot_pi import PiBench
from tests.soak import goods


class CutBench(OrdersAgain, PiBench):
    """The server orders again."""

    def __init__(self, folder, **more):
        super().__init__(folder, order("dau"), **more)


def trace(folder):
    """Return what is done to the card in an update without a cut, one text an operation, and where the trial's boot begins."""
    bench = CutBench(folder)
    assert bench.run() == ["reset", IDLE] and bench.results == [("a", 200)]
    done = bench.card.power.trace
    return done, done.index("rom", 1)


def effects(number, what):
    """Return what is to be tried there: all of it where it is about the boot or the bank, one where it is the journal."""
    return EFFECTS[number % 4 :][:1] if "mmcblk0p7" in what else EFFECTS


def cut(folder, number, effect, what):
    """Cut there, go on to the end, and check it; what runs at each boot is checked by the Pi."""
    bench = CutBench(folder, causes=number % 2 == 0)
    bench.card.power.plan(number, effect)
    ends = bench.run()
    told = (number, effect, what, ends, bench.results, bench.device.started, bench.said)
    assert ends[-1] == IDLE and ends[0] == ("reset" if effect == "reset" else ends[0]), told
    assert set(bench.results) == {("a", 200)}, told
    assert len(bench.results) == 1 or _told_twice(bench), told
    assert bench.ends_with() == goods.NEW and bench.card.power.ops > number, told
    assert bench.device.arguments.count("0 tryboot") <= 3, told
    return bench


def _told_twice(bench):
    """A result that had left when the power went is told once more, by the firmware that was confirmed before."""
    return len(bench.results) == 2 and bench.device.started[-1] == (3, False)


def cut_often(folder, seed, rng):
    """Cut again and again at random, the first two cuts where it hurts most; the firmware is good or is not."""
    bad = seed % 3 == 0
    bench = CutBench(folder, causes=seed % 2 == 0, behaviour=firmware.UNFIT if bad else firmware.GOOD)
    cuts, power = 2 + seed % 4, bench.card.power
    plain, left = bench.powered, [cuts]

    def powered(device):
        plain(device)
        if left[0]:
            left[0] -= 1
            power.plan(rng.randrange(1, 140), rng.choice(EFFECTS))

    bench.powered = powered
    ends = bench.run(seconds=12000, boots=40)
    codes = {code for _, code in bench.results}
    told = (seed, ends, bench.results, bench.device.started, bench.said)
    assert ends[-1] == IDLE and len(codes) == 1, told
    trials = bench.device.arguments.count("0 tryboot")
    if bad:
        assert codes == {410} and bench.ends_with() == goods.OLD, told
    elif codes == {410}:
        assert trials >= 3 and bench.ends_with() == goods.OLD, told  # each of its trials was cut
    else:
        assert codes == {200} and bench.ends_with() == goods.NEW, told
    return codes.pop()
