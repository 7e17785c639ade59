"""A board that does not run, by what its flash holds: how it is, and what its owner may change there.

The same code as on the device decides and writes; what is put here the device takes up at its next start.
"""

import json
import struct
from pathlib import Path

from agent import factory
from agent.control import describe_banks, glance
from agent.errors import PackageError
from agent.job import ARM, NO_BANK, TRIAL
from agent.journal import Journal
from agent.lifecycle import MAX_ARMS, PHASES
from agent.local import find_other, forget, is_void, order_trial
from agent.record import Record
from agent.verify import check_bank
from flash_tools.boards import first_firmware, provision
from flash_tools.errors import NotFoundError, RefusedError, ToolError
from flash_tools.sim import sim_files
from hal.boot_record import ARMED, BootRecord

_ON_TRIAL = "firmware is on trial: let the board start, it keeps the new firmware or falls back"
_VOID = "serial recovery has overwritten the firmware before"


class Offline:
    """An open chip, seen as a board."""

    def __init__(self, chip) -> None:
        self._chip, self._regions = chip, chip.regions()
        self._banks = first_firmware.banks(self._regions)
        self._facts = _facts(chip, self._regions)
        provision.check(self._facts)
        self._trust = first_firmware.trust(self._facts)
        self._boot = BootRecord(self._regions["boot"])
        self._record = _record(chip, Journal(self._regions["journal"]))
        self._check()

    def status(self, verify: bool = False) -> dict:
        """Return what the board would say of itself; `verify` reads the images, too."""
        boot, record, job = self._boot, self._record, self._record.job
        starts = self._starts()
        running = glance(self._banks[starts])
        banks = describe_banks(self._banks, -1, boot.confirmed())
        for bank in banks:
            if bank["bank"] == self._tried():
                bank["state"] = "trial"
            if verify:
                bank["whole"] = self._is_whole(bank["bank"]) is not None
        device = self._facts["device"]
        return {
            "live": False, "product": self._trust.product, "model": self._trust.model, "device": device.get("DevId", ""),
            "board": self._facts.get("board", ""), "layout": self._chip.layout_hash,
            "bank": starts, "confirmed": boot.confirmed(), "trial": job.phase in (ARM, TRIAL), "fell_back": boot.fell_back(),
            "version": running.version if running else "", "counter": running.counter if running else None, "banks": banks,
            "phase": PHASES[job.phase], "state": job.state, "code": job.code, "held": self._held(),
            "progress": record.progress.package_at, "result": record.outbox.code, "correlator": job.correlator,
            "idle": record.idle,
        }  # fmt: skip

    def confirm(self, dry_run: bool = False) -> str:
        """Keep the firmware whose trial has begun; the device finishes the update at its next start."""
        bank = self._tried()
        if bank is None:
            raise RefusedError("no firmware is on trial")
        if self._boot.state == ARMED:
            raise RefusedError("the firmware on trial has never run: let the board start")
        manifest = self._is_whole(bank)
        if not manifest:
            raise RefusedError("the firmware on trial is not whole, or not trusted")
        if not dry_run:
            self._boot.run(bank)
            self._boot.confirm()
        return "firmware %s in bank %d is the confirmed one" % (manifest.version, bank)

    def rollback(self, dry_run: bool = False) -> str:
        """Have the firmware before this one tried, or end a trial that has begun."""
        if self._record.job.phase in (ARM, TRIAL):
            return self._end_trial(dry_run)
        try:
            bank, manifest = find_other(self._boot, self._banks, self._record, self._trust, first_firmware.nothing)
        except PackageError as e:
            raise RefusedError(str(e)) from None
        if not dry_run:
            order_trial(self._record, bank, manifest.sha256)
            self._boot.set_trial(bank, self._record.job.attempt())
        return "firmware %s in bank %d is tried at the next start" % (manifest.version, bank)

    def factory_reset(self, dry_run: bool = False) -> str:
        """Forget orders and what servers have changed."""
        if self._record.job.phase in (ARM, TRIAL):
            raise RefusedError(_ON_TRIAL)
        if "settings" not in self._regions:
            raise ToolError("this layout has no settings: there is nothing to reset")
        if not dry_run:
            self._record.drop()
            forget(Journal(self._regions["settings"]))
        return "orders and settings are those of the provisioning"

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _check(self):
        """Whole records may still come from somewhere else: another product, a newer version."""
        boot, record, banks = self._boot, self._record, (0, 1, NO_BANK)
        known = boot.confirmed() in banks[:2] and boot.trial in banks and record.package.bank in banks
        if not known or record.job.phase >= len(PHASES) or (boot.state == ARMED and boot.trial == NO_BANK):
            raise ToolError(
                "the records of %s are not ones that this version reads: see `fumo dump`" % self._chip.target
            )

    def _end_trial(self, dry_run):
        if is_void(self._boot):
            raise RefusedError(_VOID)
        if self._tried() is None or self._boot.state == ARMED:
            raise RefusedError(_ON_TRIAL)
        if not dry_run:
            self._record.job.arms = MAX_ARMS  # or what lost its power would be tried again
            self._record.enter(TRIAL)
        return "the trial has ended: bank %d starts, and its firmware reports the failure" % self._boot.confirmed()

    def _tried(self):
        """Return the bank whose trial is ordered or has begun and is not over, None where there is none."""
        job, boot, bank = self._record.job, self._boot, self._record.package.bank
        if job.phase not in (ARM, TRIAL) or bank == NO_BANK or bank == boot.confirmed():
            return None
        begun = boot.tried(bank, job.attempt()) or (boot.state == ARMED and boot.trial == bank)
        return bank if begun else None

    def _starts(self):
        return self._boot.trial if self._boot.state == ARMED else self._boot.confirmed()

    def _is_whole(self, bank):
        return check_bank(self._banks[bank], self._trust, first_firmware.nothing)

    def _held(self):
        bank = self._record.package.bank
        manifest = glance(self._banks[bank]) if bank < len(self._banks) else None
        return manifest.version if manifest else None if bank == NO_BANK else ""


def _facts(chip, regions):
    facts = factory.read(regions["factory"]) if "factory" in regions else None
    if not facts and chip.target.kind == "sim":
        try:
            facts = json.loads((Path(chip.target.place) / sim_files.PROVISION).read_text())
        except (OSError, ValueError, RecursionError):
            facts = None
    if not isinstance(facts, dict):
        raise NotFoundError("%s was never provisioned: use `fumo provision`" % chip.target)
    return facts


def _record(chip, journal):
    try:
        return Record(journal)
    except (ValueError, struct.error, IndexError):
        raise ToolError("the journal of %s is not one that this version reads: see `fumo dump`" % chip.target) from None
