"""single_chip.py as far as a first stage needs it: which bank, and is it whole. The same layout, checked in the same way.

It writes nothing but the boot record, so it has neither journal nor settings, and no test that the chip is as large as it says
but that of the driver.
"""

from hal.boot_record import BootRecord
from hal.first_stage import CrashMarks
from hal.hardware import Bank
from hal.region import carve, layout_hash
from hal.single_layout import BANK_NAMES, close_layout, layout_of, make_layout

__all__ = ("assemble", "close_layout", "layout_of", "make_layout")


class Hardware:
    """What a first stage looks at."""

    def __init__(self, layout, regions, scratch):
        self.layout, self.factory = layout_hash(layout), regions["factory"]
        self.banks = [Bank(regions[image], regions[header]) for image, header in BANK_NAMES]
        self.boot = BootRecord(regions["boot"])
        self.crash_counter = scratch or CrashMarks(self.boot)
        self.led = self.uart = self.button = None


def assemble(port, flash, layout, scratch=None):
    """Return the Hardware; `scratch` is memory that survives a reset, without it crashes are marked in the boot record."""
    return Hardware(layout, carve(flash, layout), scratch)
