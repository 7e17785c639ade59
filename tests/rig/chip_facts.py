"""What a NOR chip of a Linux board holds while the board has no power, read by the device's own code from the chip's file."""

from dataclasses import dataclass

from agent import factory
from agent.identity import make_identity
from agent.journal import Journal
from agent.lifecycle import PHASES
from agent.record import Record
from agent.verify import check_bank
from hal.boot_record import BootRecord
from hal.hardware import Bank
from hal.region import carve
from hal.single_chip import BANK_NAMES, layout_of
from ports.cpython_linux.signature import verify
from ports.sim.flash_file import FileNor
from ports.sim.real_clock import RealClock


@dataclass(frozen=True)
class ChipFacts:
    """`versions` are those of the banks that are whole in header, signature and digest, None for the others."""

    confirmed: int
    versions: tuple[str | None, str | None]
    phase: str
    result: int

    @property
    def safe(self) -> str | None:
        """Return the version in the confirmed bank, None where it is damaged."""
        return self.versions[self.confirmed]


def read(path) -> ChipFacts:
    """Look at a copy of the chip: mounting a journal may write."""
    copy = path.with_suffix(".look")
    copy.write_bytes(path.read_bytes())
    flash = FileNor(str(copy), RealClock())
    try:
        regions = carve(flash, layout_of(flash.size))
        identity = make_identity(factory.read(regions["factory"]), verify)
        banks = [Bank(regions[image], regions[header]) for image, header in BANK_NAMES]
        manifests = [check_bank(bank, identity, lambda: None) for bank in banks]
        record = Record(Journal(regions["journal"]))
        versions = tuple(manifest.version if manifest else None for manifest in manifests)
        return ChipFacts(
            BootRecord(regions["boot"]).confirmed(), versions, PHASES[record.job.phase], record.outbox.code
        )
    finally:
        flash.file.close()
        copy.unlink()
