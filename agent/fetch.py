"""The DOWNLOAD phase: gets the package through a source into the spare bank, and decides what a fault on the way means.

What may help itself is tried again with growing pauses, from the noted block on; a broken package is fetched anew once;
everything else is the end. The record knows the rest.
"""

from agent.compat import const
from agent.errors import FlashError, LinkError, PackageError
from agent.job import CLEAN, DOWNLOAD_ONLY, OK, PROGRESS, SAME
from agent.record import SUCCESS
from agent.sizes import largest

_MOST_MS = const(86400000)  # of one download
_SAME_ENDS = const(3)
_PAUSE_MS = const(10000)  # a block that takes longer does not come
_POLL_MS = const(20)
_BROKEN = const(402)
LOADED = const(900)


class Fetch:
    """`step` until the record's phase is another; `running` gives what a package is held against.

    `backoff` counts the failures in a row, `began` is when the order was taken or the board started.
    """

    def __init__(self, hardware, record, identity, port, source, running, backoff, began):
        self._hardware, self._record, self._identity = hardware, record, identity
        self._source, self._running, self._clock = source, running, port.clock
        self._installer = self._stream = self._codes = None
        self._offset = self._received = self._end = self._ends = 0
        self._backoff, self._began = backoff, began
        self._pausing_since = port.clock.ms()
        self._pause_at = -1  # where the package stood when a pause was asked for

    def step(self):
        """Do one bounded thing; return the milliseconds until the next one is wanted."""
        try:
            return self._install()
        except LinkError as e:
            if self._is_short(e):
                self._refuse(PackageError("the package is shorter than its manifest says", _BROKEN))
                return 0
            return self._retry(e)
        except PackageError as e:
            self._refuse(e)
        except FlashError as e:
            self._fail(e.code, 0)
        return 0

    @property
    def verifying(self):
        """Tell whether all is there and the proof runs."""
        return self._installer is not None and self._installer.verifying

    def pause(self):
        """Let go of the link at the end of the block that comes; tell whether it is free. `step` goes on by itself."""
        if self._stream:
            clock, at = self._clock, self._record.progress.package_at
            if self._pause_at < 0:
                self._pause_at, self._pausing_since = at, clock.ms()
            if at == self._pause_at and clock.since(self._pausing_since) < _PAUSE_MS:
                return False
        self.let_go()
        return True

    def let_go(self):
        """Close the link and forget the installer: what is written stays noted, a new one goes on there."""
        self._close()
        self._installer = self._codes = None
        self._offset, self._pause_at = 0, -1

    # -- the way forward ----------------------------------------------------------------------------------------------

    def _install(self):
        if not self._installer:
            self._start_installer()
        record = self._record
        if not self._stream:
            capacity = largest(self._hardware.banks[1 - self._hardware.boot.confirmed()].image.size)
            self._stream = self._source.open(record.job, self._offset, capacity)
            self._received = self._installer.received
        before = record.progress.package_at
        told = self._installer.step(self._stream)
        if record.progress.package_at > before:
            self._backoff.reset()
        if self._installer.manifest:
            self._know(record.job, self._installer.manifest.sha256)
        return self._follow(told)

    def _follow(self, told):
        codes = self._codes
        if told == codes.WAIT:
            self._check_time()
            return _POLL_MS
        if told == codes.SEEK:
            self._close()
            self._offset = self._installer.offset
        elif told == codes.SAME:
            self._hold_running()
        elif told == codes.DONE:
            self._hold_package()
        return 0

    def _check_time(self):
        """Nothing has come: end what takes too long, although nothing ever fails."""
        if self._clock.since(self._began) > _MOST_MS:
            if getattr(self._stream, "asking", False):
                raise PackageError("nobody has agreed to the download within a day", 405, 952)
            raise LinkError("the download takes longer than a day", 407, 903, True)

    def _know(self, job, digest):
        """Note what job this is at its first manifest; later ones must be the same."""
        if job.digest == digest:
            return
        if job.digest != bytes(32):
            raise PackageError("the package at the download server has changed", _BROKEN)
        job.digest = digest
        if job.notify or job.validator or job.agreed:
            self._record.keep()

    def _start_installer(self):
        from agent import installer

        hardware = self._hardware
        hardware.check_flash()
        boot, running = hardware.boot, self._running()
        bank = hardware.banks[1 - boot.confirmed()]
        self._codes = installer
        self._installer = installer.Installer(bank, self._identity, running, self._record)
        self._installer.start(hardware.erase_units, hardware.layout, hardware.banks[boot.running()].image)
        self._offset = 0

    def _hold_package(self):
        record = self._record
        job, package = record.job, record.package
        package.bank, package.dirty_from = 1 - self._hardware.boot.confirmed(), CLEAN
        package.digest = job.digest = self._installer.manifest.sha256
        job.boots = 0
        self.let_go()
        record.progress.clear()
        record.go(OK, ((PROGRESS, None),))

    def _hold_running(self):
        """The image runs already; where it was only to be downloaded, an Exec Update behind it finds it held."""
        record = self._record
        if record.job.kind == DOWNLOAD_ONLY:
            record.package.bank, record.package.digest = self._hardware.boot.confirmed(), record.job.digest
        self.let_go()
        record.finish(SUCCESS, SAME, LOADED)

    # -- faults -------------------------------------------------------------------------------------------------------

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
        self._source.note_failure(error)
        wait_ms = self._backoff.fail()
        final = error.final and not (error.dates and self._source.set_clock())
        if wait_ms < 0 or final or self._clock.since(self._began) > _MOST_MS:
            self._fail(error.code, error.dlota)
            return 0
        return max(wait_ms, error.after_ms)

    def _refuse(self, error):
        if error.code == _BROKEN and not self._record.job.restarts:
            self.let_go()
            self._end = self._ends = 0
            self._backoff.reset()
            self._record.restart()
        else:
            self._fail(error.code, error.dlota)

    def _fail(self, code, dlota):
        self.let_go()
        self._record.finish(code, dlota=dlota)

    def _close(self):
        if self._stream:
            self._stream.close()
            self._stream = None
