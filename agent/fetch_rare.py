"""The DOWNLOAD phase at its beginning, at its end, and where something goes wrong. See fetch.py."""

from agent.backoff import pause_ms
from agent.compat import const
from agent.errors import LinkError, PackageError
from agent.fetch import BROKEN, LOADED, MOST_MS, Fetch
from agent.installer import Installer
from agent.job import CLEAN, DOWNLOAD_ONLY, OK, PROGRESS, SAME
from agent.record import SUCCESS
from agent.sizes import largest

_SAME_ENDS = const(3)
_RESUMES = const(8)  # of a download, without a new block


class Rare(Fetch):
    """What a Fetch does only then."""

    def _know(self, job, digest):
        """Note what job this is at its first manifest; later ones must be the same."""
        if job.digest != bytes(32):
            raise PackageError("the package at the download server has changed", BROKEN)
        job.digest = digest
        if job.notify or job.validator or job.agreed:
            self._record.keep()

    def _start_installer(self):
        hardware = self._owner.hardware
        hardware.check_flash()
        boot, running = hardware.boot, self._owner.demands()
        bank = hardware.banks[1 - boot.confirmed()]
        self._installer = Installer(bank, self._owner.identity, running, self._record)
        self._installer.start(hardware.erase_units, hardware.layout, hardware.banks[boot.running()].image)
        self._offset = 0

    def _open(self):
        hardware = self._owner.hardware
        capacity = largest(hardware.banks[1 - hardware.boot.confirmed()].image.size)
        self._stream = self._owner.source.open(self._record.job, self._offset, capacity)
        self._received = self._installer.received

    def _hold_package(self):
        record = self._record
        job, package = record.job, record.package
        package.bank, package.dirty_from = 1 - self._owner.hardware.boot.confirmed(), CLEAN
        package.digest = job.digest = self._installer.manifest.sha256
        job.boots = 0
        self.let_go()
        record.progress.clear()
        record.go(OK, ((PROGRESS, None),))

    def _hold_running(self):
        """The image runs already; where it was only to be downloaded, an Exec Update behind it finds it held."""
        record = self._record
        if record.job.kind == DOWNLOAD_ONLY:
            record.package.bank, record.package.digest = self._owner.hardware.boot.confirmed(), record.job.digest
        self.let_go()
        record.finish(SUCCESS, SAME, LOADED)

    def _is_short(self, error):
        """Tell whether the stream ended at the very same byte for the third time: the file ends there, not the link."""
        if error.final or error.code != LinkError.code:
            return False
        if not self._stream or self._installer.received == self._received:
            return False
        end = self._offset + self._installer.received - self._received
        self._ends = self._ends + 1 if end == self._end else 1
        self._end = end
        return self._ends >= _SAME_ENDS

    def _retry(self, error):
        self.let_go()
        owner = self._owner
        owner.source.note_failure(error)
        owner.failures += 1
        wait_ms = pause_ms(owner.failures, _RESUMES, owner.port.random)
        final = error.final and not (error.dates and owner.source.set_clock())
        if wait_ms < 0 or final or self._clock.since(owner.began) > MOST_MS:
            self._fail(error.code, error.dlota)
            return 0
        return max(wait_ms, error.after_ms)

    def _refuse(self, error):
        if error.code == BROKEN and not self._record.job.restarts:
            self.let_go()
            self._end = self._ends = self._owner.failures = 0
            self._record.restart()
        else:
            self._fail(error.code, error.dlota)

    def _fail(self, code, dlota):
        self.let_go()
        self._record.finish(code, dlota=dlota)

    def _end_late(self):
        """Nothing has come for long: end what takes too long, although nothing ever fails."""
        if getattr(self._stream, "asking", False):
            raise PackageError("nobody has agreed to the download within a day", 405, 952)
        raise LinkError("the download takes longer than a day", 407, 903, True)
