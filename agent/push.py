"""A package that a management server pushes into the bank piece by piece, as the value of PkgData.

Nothing is touched before its manifest was accepted; from then on no package is held until this one is whole and proven.
It is not resumed: what is not finished in its session has to come again. What is wrong leaves as a DM status.
"""

from agent import installer
from agent.compat import const
from agent.errors import FlashError, PackageError, ProtocolError

_HEAD = const(8)  # whoever gets so far is a package
_NOT_A_PACKAGE = const(415)
_REFUSED = const(403)
_WRONG_SIZE = const(424)
_LATER = const(417)
_BROKEN = const(500)
_STATUS = {402: _NOT_A_PACKAGE, 502: 420}  # by a PackageError's code; with any other one the manifest is refused


class Push:
    """`running` is what a package is held against (Update.demands), `identity` what the device is and trusts."""

    def __init__(self, hardware, record, identity, running):
        boot = hardware.boot
        if boot.running() != boot.confirmed() or not record.open:
            raise ProtocolError("an update is running", _REFUSED)
        self._record, self._confirmed = record, boot.confirmed()
        self._installer = installer.Installer(hardware.banks[1 - self._confirmed], identity, running, record)
        self._installer.accepted = self._accept
        self._installer.start(hardware.erase_units, hardware.layout, hardware.banks[self._confirmed].image)
        self._check_flash, self._may_write = hardware.check_flash, hardware.may_write
        self._data = memoryview(b"")
        self._taken = 0
        self._accepted = self._same = False
        package, progress = record.package, record.progress
        if progress.erase_end:  # a cut ended the last one while cells were in flux
            package.dirty_from = min(package.dirty_from, progress.image_at)
        progress.clear()

    @property
    def is_new(self):
        """Tell whether nothing has been taken yet."""
        return not self._taken

    def write(self, offset, data):
        """Take the next bytes; return how many, 0 where the flash is busy."""
        if not self._left():
            raise ProtocolError("the package goes on behind its end", _WRONG_SIZE)
        if self._same:
            self._taken += len(data)
            return len(data)
        self._data, before = data, self._taken
        self._step()
        return self._taken - before

    def finish(self):
        """All bytes came: return 0 while the bank is proven, then the status."""
        if not self._accepted:
            raise ProtocolError(
                "it ends before its manifest does", _WRONG_SIZE if self._taken >= _HEAD else _NOT_A_PACKAGE
            )
        if self._left():
            raise ProtocolError("the package is shorter than its manifest says", _WRONG_SIZE)
        if self._same:
            self._hold(self._confirmed)
        elif self._step() == installer.DONE:
            self._hold(1 - self._confirmed)
        else:
            return 0
        return 200

    def abandon(self):
        """Drop what came: State is 10 and nothing is held since the manifest was accepted."""
        self._record.progress.clear()

    def read_into(self, into):
        """Be the stream that the installer reads: give what the last write brought."""
        count = min(len(into), len(self._data))
        into[:count] = self._data[:count]
        self._data = self._data[count:]
        self._taken += count
        return count or None

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _left(self):
        """Return how many bytes the manifest still lets come; many where there is none yet."""
        return self._installer.manifest.package_size - self._taken if self._accepted else 1

    def _step(self):
        try:
            told = self._installer.step(self)
            if told == installer.SAME:
                self._accept()
                self._same = True
            return told
        except PackageError as e:
            if self._accepted:
                self._record.package.dirty_from = 0
            raise ProtocolError(str(e), _BROKEN if self._accepted else _STATUS.get(e.code, _REFUSED))
        except FlashError as e:
            raise ProtocolError(str(e), _BROKEN)

    def _accept(self):
        """Put what is in doubt before anything else is noted in the place of what said so."""
        reason = self._may_write and self._may_write()
        if reason:
            raise ProtocolError(reason, _LATER)
        self._check_flash()
        self._record.begin_push()
        self._accepted = True

    def _hold(self, bank):
        record = self._record
        try:
            record.hold(bank, self._installer.manifest.sha256, bank != self._confirmed)
        except FlashError as e:
            raise ProtocolError(str(e), _BROKEN)
