"""What boards have in common that keep everything in one NOR chip and are started by our own first stage.

A board file gives the chip and says what else there is: `assemble(port, flash, layout_of(flash.size))`.
"""

from hal.boot_kept import BootKept
from hal.flash_check import check_of
from hal.hardware import Bank, Hardware
from hal.region import carve, layout_hash
from hal.single_layout import BANK_NAMES, close_layout, layout_of, make_layout
from hal.watchdog import fitting_units

__all__ = ("BANK_NAMES", "assemble", "close_layout", "layout_of", "make_layout")


def assemble(port, flash, layout, scratch=None):
    """Return the Hardware; `scratch` is memory that survives a reset, without it crashes are marked in the boot record."""
    regions = carve(flash, layout)
    boot = BootKept(regions["boot"])
    if scratch is None:
        from hal.first_stage import CrashMarks

        scratch = CrashMarks(boot)
    banks = tuple([Bank(regions[image], regions[header]) for image, header in BANK_NAMES])
    hardware = Hardware(
        layout_hash(layout),
        regions["journal"],
        banks,
        boot,
        port.watchdog,
        scratch,
        fitting_units(flash.erase_units, port.watchdog.timeout_ms),
        check_of(flash, boot, regions["boot"].start, banks),
    )
    hardware.settings, hardware.factory = regions["settings"], regions["factory"]
    return hardware
