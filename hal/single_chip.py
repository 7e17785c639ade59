"""What boards have in common that keep everything in one NOR chip and are started by our own first stage.

A board file gives the chip and says what else there is: `assemble(port, flash, layout_of(flash.size))`.
"""

from agent.errors import FlashError
from hal.boot_record import BootRecord
from hal.hardware import Bank, Hardware
from hal.region import carve, layout_hash, wraps
from hal.watchdog import fitting_units

_SECTOR = 4096
BANK_NAMES = (("bank0", "header0"), ("bank1", "header1"))


def make_layout(flash_size, bank_size):
    """Return a layout that puts the second bank where a chip of half the size would show the first one again."""
    half = flash_size // 2
    return (
        ("boot", 0, 3 * _SECTOR),
        ("journal", 3 * _SECTOR, 3 * _SECTOR),
        ("header0", 6 * _SECTOR, _SECTOR),
        ("header1", 7 * _SECTOR, _SECTOR),
        ("settings", 8 * _SECTOR, 6 * _SECTOR),
        ("factory", 14 * _SECTOR, 2 * _SECTOR),
        ("bank0", 16 * _SECTOR, bank_size),
        ("bank1", half + 16 * _SECTOR, bank_size),
    )


def layout_of(flash_size):
    """Return the layout of a chip of that size: two banks as large as they can be."""
    return make_layout(flash_size, flash_size // 2 - 16 * _SECTOR)


def assemble(port, flash, layout, scratch=None):
    """Return the Hardware; `scratch` is memory that survives a reset, without it crashes are marked in the boot record."""
    regions = carve(flash, layout)
    boot = BootRecord(regions["boot"])
    if scratch is None:
        from hal.first_stage import CrashMarks

        scratch = CrashMarks(boot)

    def check_flash():
        """Before a bank is written: refuse a chip that shows the boot record at a second address, and make that one firm."""
        if wraps(flash, regions["boot"].start + boot.probe()):
            raise FlashError("the flash is smaller than the layout takes it for: check the part")
        boot.firm()

    hardware = Hardware(
        layout_hash(layout),
        regions["journal"],
        tuple([Bank(regions[image], regions[header]) for image, header in BANK_NAMES]),
        boot,
        port.watchdog,
        scratch,
        fitting_units(flash.erase_units, port.watchdog.timeout_ms),
        check_flash,
    )
    hardware.settings, hardware.factory = regions["settings"], regions["factory"]
    return hardware
