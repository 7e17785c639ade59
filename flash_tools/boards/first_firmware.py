"""The first firmware of a blank chip: into bank 0 by the agent's own installer, then the boot record, last.

What a device would refuse is refused here, before anything is written. A run that was cut is begun again and leaves alone
what the bank holds already; until the boot record is there the chip counts as blank.
"""

import io

from agent.errors import PackageError
from agent.fields import Fields
from agent.identity import make_identity
from agent.installer import DONE, Installer
from agent.job import FLOOR, UPLOAD
from agent.journal import Journal
from agent.manifest import Manifest, check
from agent.record import Record
from agent.signature import open_jws
from agent.verify import check_bank
from flash_tools.errors import RefusedError, ToolError, VerifyError
from flash_tools.packages import package_read
from hal.boot_record import BootRecord
from hal.hardware import Bank
from hal.region import layout_hash
from ports.cpython_linux.signature import verify

_BROKEN = 402
REGIONS = ("boot", "journal", "bank0", "header0", "bank1", "header1")


class _Forgetful:
    """Stands for a journal: a host that is interrupted begins again."""

    def get(self, key, into):
        return -1

    def put(self, changes):
        """Keep nothing."""

    def note(self, key, data):
        """Keep nothing."""

    def tally(self, key, data):
        return True


class _Stream:
    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read_into(self, into):
        return self._file.readinto(into)


def nothing() -> None:
    """Feed no watchdog."""


def trust(facts: dict) -> Fields:
    """Return what a device that was provisioned like this is, and whom it trusts."""
    return make_identity(facts, verify)


def vet(data: bytes, facts: dict, regions: dict, layout) -> Manifest:
    """Return the manifest of a package that such a device may begin with."""
    _need(regions)
    identity = trust(facts)
    try:
        text = package_read.manifest_text(data)
        manifest = Manifest.parse(open_jws(text, identity.anchors, identity.verify))
        check(manifest, identity, regions["bank0"].size, layout_hash(layout), None)
    except PackageError as e:
        raise (VerifyError if e.code == _BROKEN else RefusedError)("the first firmware: %s" % e) from None
    package_read.inspect(data)
    return manifest


def is_there(manifest, regions: dict, facts: dict) -> bool:
    """Tell whether the chip has just this firmware, confirmed."""
    found = _confirmed(regions, facts)
    return found is not None and found.sha256 == manifest.sha256


def check_empty(regions: dict, facts: dict, force: bool) -> None:
    """Refuse a chip that has firmware."""
    found = None if force else _confirmed(regions, facts)
    if found:
        text = "the chip has firmware %s already: send an update, or write over it with --force"
        raise ToolError(text % found.version)


def install(data: bytes, facts: dict, regions: dict, layout, progress=None) -> None:
    """Write the firmware, and make it the one that starts; `progress(part)` hears 0.0 to 1.0."""
    journal = Journal(regions["journal"])
    if journal.keys():
        Record(journal).drop(((FLOOR, None), (UPLOAD, None)))
    units = regions["bank0"].erase_units
    installer = Installer(Bank(regions["bank0"], regions["header0"]), trust(facts), None, Record(_Forgetful()))
    installer.start(units, layout_hash(layout), None)
    stream = _Stream(data)
    while installer.step(stream) != DONE:
        if progress:
            progress(min(installer.received / len(data), 1.0))
    BootRecord(regions["boot"]).confirm()


def banks(regions: dict) -> tuple[Bank, Bank]:
    """Return both banks."""
    _need(regions)
    return tuple(Bank(regions["bank%d" % number], regions["header%d" % number]) for number in range(2))


def _confirmed(regions, facts):
    """Return the manifest of the firmware that the boot record confirms, if it is whole."""
    boot = BootRecord(regions["boot"])
    if not boot.found:
        return None
    return check_bank(banks(regions)[boot.confirmed()], trust(facts), nothing)


def _need(regions):
    missing = [name for name in REGIONS if name not in regions]
    if missing:
        raise ToolError("this layout has no region %s: the first stage of this board is another one" % missing[0])
