"""A small simulated board for portable tests: no signing keys, the packages come ready made from tests/data."""

from ports.sim.clock import Clock
from ports.sim.nor import Geometry, Nor

UNITS = ((4096, 64000, 896000), (32768, 128000, 1792000), (65536, 160000, 2240000))
SMALL = Geometry("small", 1 << 20, UNITS, (704, 4224), (32, 3))


def make_flash(geometry=SMALL, **options):
    """Return a blank chip."""
    return Nor(geometry, Clock(), **options)


def cut_everywhere(flash, run, check):
    """Run `run` with the power cut at each flash operation, with each effect, and `check` after each; return the count.

    `run` must be repeatable from the state that the chip has now.
    """
    from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
    from ports.sim.power import PowerCut, Reset

    start, count = flash.snapshot(), 0
    before = flash.ops
    run()
    operations = flash.ops - before
    for number in range(1, operations + 1):
        for effect in sorted(set(PROGRAM_EFFECTS + ERASE_EFFECTS)):
            flash.restore(start)
            flash.faults.plan(flash.ops + number, effect, number)
            try:
                run()
            except (PowerCut, Reset):
                flash.power_on(_nobody)
                check(number, effect)
                count += 1
            flash.faults.cut_at = 0
    flash.restore(start)
    return count


def _nobody():
    """Feed no watchdog."""
