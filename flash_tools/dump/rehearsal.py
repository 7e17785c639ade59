"""The next power-on, rehearsed: first stage and agent decide on a copy in memory, with the code that the device runs.

So what is said of the next start is not a second opinion about the rules but what they come to.
"""

from types import SimpleNamespace

from agent import reset
from agent.job import IDLE
from agent.journal import Journal
from agent.record import Record
from agent.update import Update
from agent.verify import check_bank
from flash_tools.dump import banks, values
from flash_tools.dump.slots import Value
from flash_tools.dump.snapshot import Rehearsal
from hal import first_stage
from hal.boot_record import BootRecord
from hal.hardware import Bank
from hal.region import carve, layout_hash

PARTS = ("boot", "journal", "header0", "header1", "bank0", "bank1")


def start(flash, layout, anchors: tuple) -> dict:
    """Return what the next power-on comes to; `broken` is what the device's own code could not bear."""
    regions = carve(Rehearsal(flash), layout)
    missing = [name for name in PARTS if name not in regions]
    if missing:
        return {"broken": "the layout has no " + ", ".join(missing)}
    try:
        return _start(regions, layout, anchors)
    except Exception as e:  # whatever the agent raises here it would raise on the device, and that is the finding
        return {"broken": "%s: %s" % (type(e).__name__, e)}


def _start(regions, layout, anchors):
    trust = banks.Trust(anchors or _assumed(regions))
    if not anchors:
        trust.verify = lambda key, digest, signature: True
    hardware = _hardware(regions, layout)
    found, state, checked = hardware.boot.found, hardware.boot.state, {}

    def check(number):
        checked[number] = check_bank(hardware.banks[number], trust, _nothing) is not None
        return checked[number]

    bank = first_stage.choose(hardware.boot, reset.POWER, _Counter(), check)
    told = {"bank": None if bank < 0 else bank, "record_found": found, "state": state, "checked": checked}
    told["void"] = hardware.boot.void
    told["fell_back"] = hardware.boot.fell_back()
    told["trial"] = bank >= 0 and bank != hardware.boot.confirmed()
    told["confirmed"] = hardware.boot.confirmed()
    return told if bank < 0 else {**told, **_resume(hardware, trust)}


def _resume(hardware, trust):
    journal = Journal(hardware.journal)
    record = Record(journal)
    before, outbox_before = record.job.phase, record.outbox.code
    clock = SimpleNamespace(ms=lambda: 0)
    port = SimpleNamespace(random=lambda below: 0, clock=clock, cause=reset.POWER)
    Update(hardware, record, trust, port, None, None, {}).resume()
    job = values.decode_one(Value(1, 0, record.job.pack()))
    return {
        "job": job,
        "phase_before": before,
        "order_void": before != IDLE and record.job.phase == IDLE and not record.job.server,
        "newly_failed": record.outbox.code if record.outbox.code != outbox_before else 0,
        "outbox": {"code": record.outbox.code, "dlota": record.outbox.dlota},
        "attempted": record.attempted,
        "held": None if record.package.bank > 1 else record.package.bank,
        "image_at": record.progress.image_at,
        "package_at": record.progress.package_at,
    }


def _hardware(regions, layout):
    pairs = tuple(Bank(regions["bank%d" % i], regions["header%d" % i]) for i in range(2))
    boot = BootRecord(regions["boot"])
    return SimpleNamespace(
        layout=layout_hash(layout), journal=regions["journal"], banks=pairs, boot=boot, erase_units=()
    )


def _assumed(regions):
    """Return keys by the names that the manifests call them: no key is known, hence every signature is taken for good."""
    names = [banks.key_id_of(regions["header%d" % number]) for number in range(2)]
    return tuple((name, b"") for name in names if name)


class _Counter:
    """What counts crashes knows of none after power came."""

    remembers = True

    def get(self):
        return 0

    def set(self, value):
        """Forget it."""


def _nothing():
    """Feed no watchdog."""
