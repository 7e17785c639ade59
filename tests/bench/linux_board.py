"""A Linux board whose banks, headers and records are files in a folder. As a board file it is copied into that folder.

folder/board.py  this file     folder/state.img  records, headers, factory     folder/bank0.img, folder/bank1.img
"""

import os

from hal.boot_record import BootRecord
from hal.hardware import Bank, Hardware
from hal.region import carve, layout_hash

NAME = "linux_files"
FOLDER = os.path.dirname(os.path.abspath(__file__))
_SECTOR = 4096
_PARTS = (("boot", 3), ("journal", 3), ("header0", 1), ("header1", 1), ("settings", 6), ("factory", 2))
STATE = tuple((name, sum(n for _, n in _PARTS[:i]) * _SECTOR, n * _SECTOR) for i, (name, n) in enumerate(_PARTS))
STATE_SIZE = 16 * _SECTOR


def layout_of(bank_size):
    """Return the layout that a package is for."""
    return (*STATE, ("bank0", 1 << 20, bank_size), ("bank1", (1 << 20) + bank_size, bank_size))


def build(port, folder=None):
    """Wire the board; `folder` has the files, that of this module otherwise."""
    from ports.cpython_linux.stretch_writer import StretchWriter

    folder = folder or FOLDER
    regions = carve(port.block(os.path.join(folder, "state.img")), STATE)
    images = [port.block(os.path.join(folder, "bank%d.img" % number)) for number in (0, 1)]
    hardware = Hardware(
        layout_hash(layout_of(images[0].size)),
        regions["journal"],
        tuple(Bank(images[n], regions["header%d" % n], StretchWriter) for n in (0, 1)),
        BootRecord(regions["boot"]),
        port.watchdog,
        None,
        images[0].erase_units,
        lambda: None,
    )
    hardware.settings, hardware.factory = regions["settings"], regions["factory"]
    return hardware
