"""What must hold whatever happens to a device: what runs is trusted and not older than it may be, and each order has one end.

The books are kept from outside: from what is started, from what the boot record is told, from what the server hears.
"""

import json
from binascii import a2b_base64
from contextlib import contextmanager

from agent import bank_header
from agent.errors import AgentError
from agent.job import DOWNLOAD_ONLY, LOCAL
from agent.journal import Journal
from agent.manifest import Manifest
from agent.package import HEAD_SIZE
from agent.record import Record
from agent.verify import check_bank
from ports.sim.device import CUT, IDLE
from ports.sim.firmware import CRASH_CONFIRMED, GOOD
from ports.sim.power import Violation

_MOST_GAP_MS = 6000  # that the watchdog is left alone


class Judge:
    """`chaos` is the world."""

    def __init__(self, chaos):
        self._chaos = chaos
        self.floors = []  # (counter, revoked keys) of what was last confirmed; more than one where a cut left it open
        self.jobs = {}  # correlator -> _Job
        self.in_recovery = False
        self._voided = False  # the owner did something that ends orders
        self.seen = set()

    def begin(self):
        """The world stands: what is confirmed says what is demanded."""
        self.floors = [self._demand(self._chaos.boot_record.bank)]

    # -- boots --------------------------------------------------------------------------------------------------------

    def powered(self, device):
        """A boot begins: guard what is confirmed and whole, look at what changes that."""
        self.in_recovery = False
        boot = device.hardware.boot
        self._guard(device)
        boot.confirm = self._watched(device, boot.confirm, lambda: boot.running(), self._check_confirm)
        boot.fall_back = self._watched(device, boot.fall_back, None, lambda device: None)

    def starts(self, device, bank, firmware):
        """Firmware is about to run."""
        boot = device.hardware.boot
        if bank == boot.confirmed():
            self.seen.add("confirmed runs")
            return
        fields, kid = self._manifest(bank)
        self._check(fields is not None, "a trial of a bank without a manifest")
        right = any(fields["counter"] >= counter and kid not in revoked for counter, revoked in self.floors)
        text = "a trial of %s, counter %d, key %s below %s" % (fields["version"], fields["counter"], kid, self.floors)
        self._check(right, text)
        self.seen.add("void trial" if boot.void else "trial")

    def mounted(self, device):
        """The agent has its journal."""
        job, record = device.update.record.job, device.update.record
        current = job.correlator if not record.idle else None
        for name, known in self.jobs.items():
            if known.open and not known.codes and name != current:
                self._check(self._voided or known.unsure, "the order %s is lost" % name)
                known.open = known.unsure
        self._voided = False

    def over(self, device, end):
        """A boot is over."""
        self._voided = self._voided or self.in_recovery
        self._check(
            device.longest_gap_ms <= _MOST_GAP_MS, "the watchdog was left alone for %d ms" % device.longest_gap_ms
        )
        if end == IDLE:
            boot = device.hardware.boot
            self._check(boot.running() == boot.confirmed(), "firmware that nobody confirmed is left running")
            for name, known in self.jobs.items():
                silent = self._voided or known.unsure or boot.fell_back()  # a success may have been out: see the README
                over = not known.open or known.codes or silent
                self._check(over, "no result of %s has come" % name)
        self.seen.add(end)
        if end != CUT and self.in_recovery:
            self.seen.add("recovery")

    def check_end(self):
        """The last package was installed: nothing of the recovery is left."""
        boot = self._chaos.boot_record
        self._check(not boot.void, "no bank is confirmed at the end")
        journal = Journal(self._chaos.regions["journal"])
        for key in (10, 11):
            self._check(journal.get(key, bytearray(4096)) < 0, "the journal keeps %d" % key)
        record = Record(journal)
        self._check(record.idle and record.outbox.code == 0, "something is left to do")

    # -- orders and commands ------------------------------------------------------------------------------------------

    def ordering(self, name, kind, data):
        """An order is about to be given."""
        for known in self.jobs.values():
            known.unsure = True
        self.jobs[name] = job = _Job(kind, _fields(data))
        job.unsure = True

    def ordered(self, name, kind, status):
        """It was answered."""
        taken = status // 100 == 2
        self.jobs[name].open, self.jobs[name].unsure = taken, False
        for other, known in self.jobs.items():
            known.open = known.open and (other == name or not taken)

    def reported(self, job, code, device):
        """The server hears a result."""
        known = self.jobs.get(job.correlator)
        self._check(known is not None and job.kind != LOCAL, "a result of what nobody ordered: %s" % job.correlator)
        self._check(known.open or code in known.codes, "%s was void, and comes to %d" % (job.correlator, code))
        known.codes.add(code)
        self._check(len(known.codes) == 1, "%s has come to %s" % (job.correlator, known.codes))
        boot = device.hardware.boot
        self._check(boot.running() == boot.confirmed(), "a result is told by firmware on trial")
        if code == 200 and known.kind != DOWNLOAD_ONLY and known.fields and job.kind != 2:
            self._check(known.fields["version"] == device.version, "a success, and %s runs" % device.version)
        self.seen.add("code %d" % code)

    def commanded(self, word, update):
        """The owner says something."""
        self._voided = self._voided or word == "rollback"

    def answered(self, word, answer, update):
        """He was answered."""
        self.seen.add(" ".join(answer.split()[:2]) if word != "status" else "status")

    @contextmanager
    def dropping(self, record):
        """The owner resets the device."""
        self._voided = True
        yield
        for known in self.jobs.values():
            known.open = False

    def matched(self, data):
        """A client was told that its upload is whole and verified."""
        fields, found = _fields(data), []
        for bank in range(2):
            manifest = check_bank(self._plain_bank(bank), self._chaos.who, lambda: None)
            found.append(manifest.sha256.hex() if manifest else None)
        self._check(fields["sha256"] in found, "a match of %s, and the banks have %s" % (fields["version"], found))
        self.seen.add("match")

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _check(self, holds, text):
        if not holds:
            raise Violation(text)

    def _watched(self, device, method, bank_after, check):
        def watched(*args):
            check(device)
            if args and self.in_recovery:
                method(*args)  # what the overwritten bank demanded stays in force
                self._guard(device)
                return
            demand = self._demand(args[0] if args else bank_after())
            self.floors.append(demand)
            method(*args)
            self.floors = [demand]
            self._guard(device)

        return watched

    def _check_confirm(self, device):
        boot, line = device.hardware.boot, bytearray(64)
        device.hardware.banks[boot.running()].image.read(0, line)
        if boot.running() != boot.confirmed():
            self._check(device.where == "trial", "confirmed in %s" % device.where)
            behaviour = bytes(line).split()[2].decode()
            self._check(behaviour in (GOOD, CRASH_CONFIRMED), "confirmed though it is %s" % behaviour)
            self.seen.add("void confirm" if boot.void else "confirm")

    def _guard(self, device):
        boot, ranges = device.hardware.boot, []
        bank = boot.confirmed()
        if not boot.void and check_bank(self._plain_bank(bank), self._chaos.who, lambda: None):
            for name in ("bank%d" % bank, "header%d" % bank):
                region = self._chaos.regions[name]
                ranges.append((region.start, region.start + region.size))
        device.flash.guard = tuple(ranges)

    def _plain_bank(self, bank):
        chaos = self._chaos
        return _Plain(chaos.flash, chaos.regions["bank%d" % bank], chaos.regions["header%d" % bank])

    def _manifest(self, bank):
        text = bytearray(3072)
        size = bank_header.read_text(self._plain_bank(bank).header, text)
        return _open(bytes(text[:size])) if size else (None, "")

    def _demand(self, bank):
        fields, _ = self._manifest(bank)
        return (fields["counter"], tuple(fields.get("revoked", ()))) if fields else (0, ())


class _Job:
    def __init__(self, kind, fields):
        self.kind, self.fields = kind, fields
        self.open, self.unsure, self.codes = True, False, set()


class _Region:
    page = 256

    def __init__(self, flash, region):
        self._flash, self._start, self.size = flash, region.start, region.size

    def read(self, addr, into):
        self._flash.copy(self._start + addr, into)


class _Plain:
    """A bank as the cells have it, whatever a read would make of it."""

    def __init__(self, flash, image, header):
        self.image, self.header = _Region(flash, image), _Region(flash, header)


def _open(text):
    parts = [part.replace(b"-", b"+").replace(b"_", b"/") for part in text.split(b".")]
    head, payload = [json.loads(a2b_base64(part + b"=" * (-len(part) % 4))) for part in parts[:2]]
    return payload, head["kid"]


def _fields(data):
    """Return what a package's manifest says, None where it is none."""
    try:
        payload = _open(bytes(data[HEAD_SIZE : HEAD_SIZE + int.from_bytes(data[4:8], "little")]))[0]
        Manifest.parse(json.dumps(payload).encode())
    except (ValueError, AgentError, IndexError, KeyError, TypeError):
        return None
    return payload
