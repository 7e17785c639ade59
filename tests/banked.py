"""A board whose flash is a file with two banks: what the tests of Linux boards and of fake microcontrollers do to one."""

from pathlib import Path

from agent.p256 import verify
from agent.verify import check_bank
from flash_tools.boards import factory_region
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from hal.boot_record import BootRecord
from hal.hardware import Bank
from hal.region import carve
from hal.single_chip import BANK_NAMES
from ports.sim.device import install_firmware
from ports.sim.flash_file import FileNor
from ports.sim.real_clock import RealClock


class Trust:
    """Whom the board trusts."""

    def __init__(self, key):
        public = keys.public_bytes(key)
        self.anchors, self.verify = ((keys.key_id(public), public),), verify


class Banked:
    """`flash` is the file, `layout` what lies where in it, `key` signs for the board; `package(data, version)` makes a package."""

    flash: Path
    layout: tuple

    def install(self, bank: int, version: str, data: bytes):
        """Put an image into a bank, as a factory does."""
        install_firmware(self.chip(), self.layout, bank, self.package(data, version), data)

    def provision(self, bundle: dict, size: int, **more):
        """Let bank 0 be the confirmed one, and the board know who it is."""
        regions = self.regions()
        BootRecord(regions["boot"]).confirm()
        files = sim_files.SimFiles(Path(), "paper", "p", size // 1024, self.key)
        facts = sim_files.facts_of(files, bundle, self.device_id)
        factory_region.write(regions["factory"], {**facts, "layout": [list(part) for part in self.layout], **more})

    def spoil(self, name: str, size: int = 64, at: int = 0):
        """Clear bytes of a region."""
        with self.flash.open("r+b") as file:
            file.seek(self.start_of(name) + at)
            file.write(bytes(size))

    def start_of(self, name: str) -> int:
        """Return where a region begins."""
        return next(start for region, start, _ in self.layout if region == name)

    def chip(self) -> FileNor:
        """Return the chip."""
        chip = FileNor(str(self.flash), RealClock())
        chip.power_on(lambda: None)
        return chip

    def regions(self):
        """Return the regions of the chip by name."""
        return carve(self.chip(), self.layout)

    def boot(self) -> BootRecord:
        """Return what the boot record says."""
        return BootRecord(self.regions()["boot"])

    def holds(self, bank: int):
        """Return the manifest of a bank that is whole and rightly signed, else None."""
        regions = self.regions()
        image_name, header_name = BANK_NAMES[bank]
        return check_bank(Bank(regions[image_name], regions[header_name]), Trust(self.key), lambda: None)
