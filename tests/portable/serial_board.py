"""A small board in serial recovery, without its serial line: what SMP would ask of its target is asked here."""

import hashlib

from agent import reset
from agent.errors import PackageError
from agent.journal import Journal
from agent.record import Record
from agent.serial_install import SerialInstall
from agent.verify import check_bank
from board.sim_nor import make_layout
from hal.boot_record import BootRecord
from hal.hardware import Bank, Hardware
from hal.region import carve, layout_hash
from ports.sim.device import install_firmware
from ports.sim.firmware import GOOD, make_image
from tests.data import vectors
from tests.portable.boards import SMALL, make_flash
from tests.portable.trusted import Identity

LAYOUT = make_layout(SMALL.size, 65536)
PACKAGE = vectors.PACKAGES["none"]
SHA = hashlib.sha256(PACKAGE).digest()


class Board:
    """A chip with version 1 in `bank`, ruined or not, which is the confirmed one."""

    def __init__(self, bank=0, ruined=True):
        self.flash = make_flash()
        self.flash.poll_us = 100000
        self.regions = install_firmware(
            self.flash, LAYOUT, bank, vectors.OLD_PACKAGE, make_image("1", GOOD, vectors.OLD_SIZE)
        )
        BootRecord(self.regions["boot"], bank).confirm()
        if ruined:
            self.flash.pages[self.regions["bank%d" % bank].start // 256] = bytes(256)
        self.fed = 0

    def start(self, cause=reset.POWER):
        """Begin a recovery; return the target."""
        regions = self.regions = carve(self.flash, LAYOUT)
        self.boot = BootRecord(regions["boot"])
        self.banks = (Bank(regions["bank0"], regions["header0"]), Bank(regions["bank1"], regions["header1"]))
        units, layout = self.flash.erase_units, layout_hash(LAYOUT)
        hardware = Hardware(layout, regions["journal"], self.banks, self.boot, None, None, units, self._check)
        target = SerialInstall(hardware, Journal(regions["journal"]), Identity, self._feed)
        self.again = target.start(cause)
        return target

    @property
    def record(self):
        """Return what the journal knows."""
        return Record(Journal(self.regions["journal"]))

    def whole(self, bank):
        """Return the version that is whole in a bank."""
        manifest = check_bank(self.banks[bank], Identity, self._feed)
        return manifest.version if manifest else None

    def keeps(self, key):
        """Tell whether the journal has a value."""
        return Journal(self.regions["journal"]).get(key, bytearray(4096)) >= 0

    def _feed(self):
        self.fed += 1

    def _check(self):
        """The chip is what it says."""


def upload(target, package=PACKAGE, piece=700, sha=None, most=1 << 30):
    """Upload up to offset `most`; return the offsets that were wanted."""
    offset = target.begin(len(package), sha or hashlib.sha256(package).digest())
    wanted = [offset]
    while offset < len(package) and offset <= most:
        offset = target.write(offset, memoryview(package)[offset : offset + piece])
        wanted.append(offset)
    return wanted


def refused(target, package):
    """Return why a package is not taken."""
    try:
        upload(target, package)
    except PackageError as e:
        return str(e)
    assert False, "it was taken"
