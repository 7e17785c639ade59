"""What serial recovery installs: a package that the owner brings piece by piece, taken exactly as one over the air.

It goes into the bank beside the confirmed one. Where no bank verifies it goes into bank 0, and from then on no bank is
confirmed: nothing runs but a trial, and what the firmware before it demanded (security counter, revoked keys) is kept in the
journal. It is the target of hal/smp.py; the port calls `start` before the first message and `leave` behind the last one.
"""

import struct

from agent import installer, serial_floor
from agent.compat import const
from agent.errors import AgentError, PackageError
from agent.job import ARM, CLEAN, FLOOR, IDLE, PACKAGE, PROGRESS, REPORT, UPLOAD
from agent.local import order_trial
from agent.record import Record
from agent.serial_banks import SerialBanks

_UPLOAD = "<BBI32s"  # format, bank, size and SHA-256 of the file
_FORMAT = const(1)
_HASH = const(32)
_PATIENCE_MS = const(1000)  # of a client, for one erase: it waits two seconds for an answer


class SerialInstall:
    """`hardware.boot` is our own BootRecord, `feed` feeds the watchdog; `told(received, size)`, if set, hears of progress."""

    buffer_size = 1024

    def __init__(self, hardware, journal, identity, feed):
        self._hardware, self._journal, self._identity, self._feed = hardware, journal, identity, feed
        self._record = Record(journal)
        self._banks = SerialBanks(hardware)
        self._installer = self._demands = self._error = self._sha = None
        self._piece = memoryview(b"")
        self._size = self._wanted = 0
        self._accepted = self._done = self._same = False
        self.told = None

    def start(self, cause):
        """Look at the banks; tell whether a trial that a cut ended is armed again: nothing else can be run, so reset."""
        self._banks.look(self._identity, self._feed)
        record, boot = self._record, self._hardware.boot
        if not boot.void or boot.trial_waits or record.job.phase in (IDLE, REPORT):
            return False
        from agent.resume import resume

        boot.run(boot.confirmed())  # as far as the table goes
        resume(record, boot, cause, _no)
        bank = record.package.bank
        if record.job.phase != ARM or not self._banks.hold(bank):
            return False
        boot.set_trial(bank, record.job.attempt())
        return True

    def leave(self):
        """Recovery ends: where nothing else can be run, what was uploaded and never tried is tried."""
        record = self._record
        if self._hardware.boot.void and record.job.phase == IDLE and self._banks.hold(record.package.bank):
            self._arm(record.package.bank)

    # -- the target of SMP --------------------------------------------------------------------------------------------

    def images(self):
        """Return what is whole, see SerialBanks.listed."""
        return self._banks.listed()

    def begin(self, size, sha=None):
        """Start an upload of a file, or go on with it; return the offset of the next piece."""
        sha = bytes(sha) if sha and any(sha) else None
        if sha and sha == self._sha and size == self._size and (self._installer or self._done):
            return self._wanted
        self._record = Record(self._journal)
        self._size, self._sha, self._wanted, self._error = size, sha, 0, None
        self._accepted = self._done = self._same = False
        if sha and self._noted() == sha and self._banks.hold(self._record.package.bank):
            self._complete()
        else:
            self._installer = self._new_installer()
        return self._wanted

    def write(self, offset, data):
        """Take a piece; return the offset of the next one, another than its end where the bytes between are in flash."""
        if self._error:
            raise self._error
        if self._installer and offset == self._wanted:
            self._piece = memoryview(data)[: self._size - offset]
            try:
                self._step()
            except AgentError as e:
                self._give_up(e)
                raise
            if self.told:
                self.told(self._wanted, self._size)
        return self._wanted

    def match(self):
        """Tell whether the upload is whole and verified."""
        return self._done

    def test(self, digest=None):
        """Let the next boot be a trial of the image with that digest, or of what was uploaded; False: there is no such."""
        bank, given = self._record.package.bank, bytes(digest) if digest else None
        if self._same and given is None:
            return True  # it is the confirmed firmware, there is nothing to be tried
        if not self._banks.hold(bank) or (given != self._banks.found[bank].sha256 if given else not self._done):
            return False
        boot = self._hardware.boot
        if not (boot.trial_waits and boot.trial == bank):
            self._arm(bank)
        return True

    def reset(self):
        """Take note that a reset was asked for: `leave` does what there is to do."""

    def read_into(self, into):
        """Be the stream that the installer reads: give what the last write brought."""
        count = min(len(into), len(self._piece))
        into[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        self._wanted += count
        return count or None

    # -- one upload ---------------------------------------------------------------------------------------------------

    def _new_installer(self):
        hardware, record, target = self._hardware, self._record, self._banks.target
        if record.progress.erase_end:  # a cut may have come while cells were in flux
            record.package.dirty_from = min(record.package.dirty_from, record.progress.image_at)
        places = self._journal, hardware.boot, hardware.banks
        self._demands = serial_floor.demands(*places, self._identity, self._banks.stays)
        made = installer.Installer(hardware.banks[target], self._identity, self._demands, record)
        units = [unit for unit in hardware.erase_units if unit[1] <= _PATIENCE_MS] or hardware.erase_units[:1]
        made.start(units, hardware.layout, hardware.banks[1 - target].image)
        made.accepted = self._accept
        return made

    def _step(self):
        told = installer.MORE
        while told == installer.MORE:
            self._feed()
            told = self._installer.step(self)
        if told == installer.SEEK:
            self._wanted = self._installer.offset
        elif told == installer.DONE:
            self._record.hold(self._banks.target, self._installer.manifest.sha256)
            self._banks.found[self._banks.target] = self._installer.manifest
            self._complete()
        elif told == installer.SAME:
            self._same = True
            self._complete()
        elif self._wanted == self._size:
            raise PackageError("the file ends before its package does: copy it again")

    def _arm(self, bank):
        record, boot = self._record, self._hardware.boot
        order_trial(record, bank, self._banks.found[bank].sha256, 0 if boot.void else CLEAN)
        boot.set_trial(bank, record.job.attempt())

    def _complete(self):
        self._done, self._installer, self._wanted = True, None, self._size

    def _accept(self):
        """The package may be taken: note whose upload this is, then see that no bank is started that is not whole."""
        manifest = self._installer.manifest
        if manifest.package_size != self._size:
            text = "the file has %d bytes, its package %d: copy it again"
            raise PackageError(text % (self._size, manifest.package_size))
        record, banks, more = self._record, self._banks, []
        self._hardware.check_flash()
        banks.disarm()
        if banks.overwrites_confirmed:
            more.append((FLOOR, serial_floor.pack(self._demands, self._identity)))
        if not self._goes_on(manifest):
            record.progress.clear()
            more.append((UPLOAD, struct.pack(_UPLOAD, _FORMAT, banks.target, self._size, self._sha or bytes(_HASH))))
            if banks.overwrites_confirmed:
                record.package.dirty_from = 0  # nobody knows what has become of its cells
            record.drop(more)
        elif more and not banks.boot.void:
            self._journal.put(more)
        self._accepted = True
        banks.release()

    def _give_up(self, error):
        """This upload is over; the next `begin` goes on from what is noted, unless the package itself is wrong."""
        self._installer, self._error = None, error
        if self._accepted and isinstance(error, PackageError):
            record = self._record
            record.package.dirty_from = 0
            record.progress.clear()
            self._journal.put(((PACKAGE, record.package.pack()), (PROGRESS, None), (UPLOAD, None)))

    def _noted(self):
        """Return the SHA-256 of the file of that size that the journal knows, zero where it was not given; None: another."""
        data = bytearray(58)
        if self._journal.get(UPLOAD, data) < 0 or data[0] != _FORMAT:
            return None
        _, bank, size, sha = struct.unpack_from(_UPLOAD, data, 0)
        return sha if (bank, size) == (self._banks.target, self._size) else None

    def _goes_on(self, manifest):
        """Tell whether this upload was begun; a client that was told to begin again does not repeat its digest."""
        noted, record = self._noted(), self._record
        known = noted and (self._sha is None or noted in (self._sha, bytes(_HASH)))
        return known and record.idle and record.progress.image == manifest.sha256[:8]


def _no(digest):
    return False
