"""What must hold after every schedule, watched from outside: knows what a power cut may do, and nothing of how the agent works."""

import base64
import hashlib
import json

from agent import bank_header
from agent.job import JOB, OUTBOX, PACKAGE
from hal.boot_record import ARMED, FALLBACK, TRIED
from ports.sim.power import Violation
from ports.sim.server import Server

_PUT_KEYS = (JOB, PACKAGE, OUTBOX)
_LARGEST = 2048


class _Cells:
    """What the cells hold, whatever a read would make of it."""

    def __init__(self, flash, start):
        self._flash = flash
        self._start = start

    def read(self, addr, into):
        """Copy the cells."""
        self._flash.copy(self._start + addr, into)


class Oracle(Server):
    """The server of the simulated device, which also keeps the books."""

    def __init__(self, world):
        super().__init__(world.packages, world.orders)
        self.world = world
        self.confirmed = world.confirmed
        self.unsure = False  # a confirmation or fall-back was under way when the power went
        self.candidates = [{}]  # what the journal may hold
        self.delivered = set()
        self.trial_cuts = 0
        self.trial_resets = 0
        self.fell_back = False
        self.checks = 0
        self.confirming = self.ordering = False

    def state(self):
        """Return what survives a cut, for snapshots and to tell states apart."""
        puts = tuple(tuple(sorted(c.items())) for c in self.candidates)
        flags = (self.confirmed, self.unsure, self.trial_cuts, self.trial_resets, self.fell_back)
        return (self.given, tuple(self.reports), flags, puts, tuple(sorted(self.delivered)), self.fetched)

    def set_state(self, state):
        """Go back to a state."""
        self.given, reports, flags, puts, delivered, self.fetched = state
        self.reports = list(reports)
        self.confirmed, self.unsure, self.trial_cuts, self.trial_resets, self.fell_back = flags
        self.candidates = [dict(c) for c in puts]
        self.delivered = set(delivered)
        self.confirming = self.ordering = False

    # -- watching a boot ----------------------------------------------------------------------------------------------

    def powered(self, device):
        """Guard the confirmed bank before the first stage runs."""
        super().powered(device)
        self._set_guard()
        boot = device.hardware.boot
        boot.confirm = self._watched(boot.confirm, lambda: boot.running())
        boot.fall_back = self._watched(boot.fall_back, lambda: None)

    def mounted(self, device):
        """Look at what runs, and at what the journal still knows."""
        boot = device.hardware.boot
        if boot.state == FALLBACK and boot.confirmed() != self.confirmed:
            self.confirmed, self.fell_back, self.unsure = boot.confirmed(), True, False
            self._set_guard()
        self._check_running(device, boot.running())
        self._check_headers(device)
        self._check_journal(device.journal)

    def in_trial(self):
        """Tell whether a cut now would hit a trial."""
        device = self.device
        boot = device.hardware.boot
        if device.where == "boot":
            return boot.state in (ARMED, TRIED)
        return device.where == "trial" and (self.confirming or boot.running() != boot.confirmed())

    def cut(self, effect):
        """Count a cut that is about to happen."""
        if self.in_trial():
            self.trial_cuts += 1
            self.trial_resets += effect == "reset"
        if self.confirming:
            self.unsure = True

    def report(self, job, code):
        """Take a result and hold it against those before it."""
        correlator = job.correlator
        self.check(correlator not in self.delivered, "alert after its job had ended")
        others = [r[1] for r in self.reports if r[0] == correlator]
        self.check(not others or others[0] == code, "alerts differ: %s, %s" % (others, code))
        if code == 200:
            wanted = {"a": "2", "b": "3"}[correlator]
            self.check(self.device.version == wanted, "success reported while %s runs" % self.device.version)
            self.check(not self.in_trial(), "success reported from a trial")
        return super().report(job, code)

    def satisfied(self, update):
        """Give orders, and see which jobs have ended."""
        record = update.record
        if record.idle and record.job.correlator and self.given:
            self.delivered.add(record.job.correlator)
        if record.idle and self.unsure:  # the job is over, so the boot control has decided
            self.confirmed, self.unsure = self.device.hardware.boot.confirmed(), False
            self._set_guard()
        self.ordering = not record.idle
        done = super().satisfied(update)
        self.ordering = False
        return done

    def check(self, holds, text):
        """Count a check; raise where it does not hold."""
        self.checks += 1
        if not holds:
            raise Violation(text)

    # -- the end ------------------------------------------------------------------------------------------------------

    def check_end(self):
        """Hold the end against what the world may come to."""
        world = self.world
        got = {}
        for correlator, code, _ in self.reports:
            got[correlator] = code
        for correlator in world.codes:
            if correlator not in world.superseded and not self.fell_back:
                self.check(correlator in got, "no alert arrived for " + correlator)
        for correlator, code in got.items():
            allowed = set(world.codes[correlator]) or {402, 412}
            if allowed == {200} and (self.trial_cuts > 2 or self.trial_resets):
                allowed.add(410)
            self.check(code in allowed, "%s ended as %s" % (correlator, code))
        ends = set(world.ends)
        if world.good and got.get(world.good) == 410:
            ends = {world.old, "2"}
        self.check(self.device.version in ends, "%s runs at the end" % self.device.version)
        return world.good and got.get(world.good) == 200

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _set_guard(self):
        flash, ranges = self.device.flash, []
        for bank, hard in enumerate(self.device.hardware.banks):
            if self.unsure or bank == self.confirmed:
                ranges.append((hard.image.start, hard.image.start + hard.image.size))
                ranges.append((hard.header.start, hard.header.start + hard.header.size))
        flash.guard = tuple(ranges)

    def _watched(self, method, bank_after):
        def watched(*args):
            self.confirming = True
            method(*args)
            self.confirming = self.unsure = False
            bank = bank_after()
            if bank is None:
                bank, self.fell_back = args[0], True
            self.confirmed = bank
            self._set_guard()

        return watched

    def _check_headers(self, device):
        """A header that is whole stands beside an image that is whole: it is written last and erased first."""
        for hard in device.hardware.banks:
            text, plain = bytearray(3072), _Cells(device.flash, hard.header.start)
            size = bank_header.read_text(plain, text)
            if size:
                payload = bytes(text[:size]).split(b".")[1]
                fields = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
                image = bytearray(fields["size"])
                device.flash.copy(hard.image.start, image)
                whole = hashlib.sha256(image).hexdigest() == fields["sha256"]
                self.check(whole or self.world.bad or self.world.old == "0", "a whole header beside a broken image")

    def _check_running(self, device, bank):
        versions = set(device.modules.values())
        self.check(len(versions) == 1, "a mixture of modules runs: %s" % sorted(versions))
        image = self.world.images.get(device.version)
        self.check(image is not None, "unknown firmware %s runs" % device.version)
        region = device.hardware.banks[bank].image
        found = bytearray(len(image))
        device.flash.copy(region.start, found)
        self.check(found == image, "the running bank is not an image that was ever whole")

    def _check_journal(self, journal):
        found, value = {}, bytearray(_LARGEST)
        for key in _PUT_KEYS:
            size = journal.get(key, value)
            if size >= 0:
                found[key] = bytes(value[:size])
        self.check(found in self.candidates, "the journal lost or mixed what was put")
        plain = journal.put
        current = dict(found)

        def put(changes):
            for key, data in changes:
                if key in _PUT_KEYS and data is None:
                    current.pop(key, None)
                elif key in _PUT_KEYS:
                    current[key] = bytes(data)
            self.candidates = self.candidates + [dict(current)]
            plain(changes)
            self.candidates = [dict(current)]

        journal.put = put
