"""The simulated board: one NOR chip for everything, our own first stage, two banks."""

from hal.single_chip import BANK_NAMES, assemble, layout_of, make_layout
from hal.watchdog import Feeder

__all__ = ("BANK_NAMES", "build", "layout_of", "make_layout")


def build(port, layout):
    """Wire the board from what the port gives: `flash`, `clock`, `watchdog`, `scratch`."""
    feeder = Feeder(port.watchdog, port.clock)
    port.power_flash(feeder.feed)
    return assemble(port, port.flash, layout, port.scratch)
