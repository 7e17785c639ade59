"""What must hold in every boot of every schedule, watched from outside: what runs, what is written, what the journal knows."""

import base64
import hashlib
import json

from agent import bank_header
from agent.job import JOB, OUTBOX, PACKAGE
from hal.boot_record import ARMED, FALLBACK, TRIED
from ports.sim.power import Violation

_PUT_KEYS = (JOB, PACKAGE, OUTBOX)
_LARGEST = 4096


class _Cells:
    """What the cells hold, whatever a read would make of it."""

    def __init__(self, flash, start):
        self._flash = flash
        self._start = start

    def read(self, addr, into):
        """Copy the cells."""
        self._flash.copy(self._start + addr, into)


class Watch:
    """Guards the confirmed bank and the values that were put; `world` says which images there are."""

    def __init__(self, world):
        self.world = world
        self.device = None
        self.confirmed = world.confirmed
        self.unsure = False  # a confirmation or fall-back was under way when the power went
        self.candidates = [{}]  # what the journal may hold
        self.trial_cuts = 0
        self.trial_resets = 0
        self.fell_back = False
        self.checks = 0
        self.confirming = self.ordering = False

    def powered(self, device):
        """Guard the confirmed bank before the first stage runs."""
        self.device = device
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

    def check(self, holds, text):
        """Count a check; raise where it does not hold."""
        self.checks += 1
        if not holds:
            raise Violation(text)

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

    def _check_journal(self, journal, keys=_PUT_KEYS, books="candidates"):
        """Hold what a journal knows against what was put, from here on as well."""
        found, value = {}, bytearray(_LARGEST)
        for key in keys:
            size = journal.get(key, value)
            if size >= 0:
                found[key] = bytes(value[:size])
        self.check(found in getattr(self, books), "the journal lost or mixed what was put")
        plain = journal.put
        current = dict(found)

        def put(changes):
            for key, data in changes:
                if key in keys and data is None:
                    current.pop(key, None)
                elif key in keys:
                    current[key] = bytes(data)
            setattr(self, books, getattr(self, books) + [dict(current)])
            plain(changes)
            setattr(self, books, [dict(current)])

        journal.put = put
