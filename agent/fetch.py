"""The DOWNLOAD phase: gets the package through a source into the spare bank, and decides what a fault on the way means.

What may help itself is tried again with growing pauses, from the noted block on; a broken package is fetched anew once;
everything else is the end. The record knows the rest.
"""

from agent.compat import const
from agent.errors import FlashError, LinkError, PackageError
from agent.installer import DONE, SEEK, WAIT
from agent.installer import SAME as RUNS
from agent.late import late

MOST_MS = const(86400000)  # of one download
_PAUSE_MS = const(10000)  # a block that takes longer does not come
_POLL_MS = const(20)
BROKEN = const(402)
LOADED = const(900)


class Fetch:
    """`step` until the record's phase is another; `owner` is the Update."""

    def __init__(self, owner):
        self._owner, self._record, self._clock = owner, owner.record, owner.port.clock
        self._installer = self._stream = None
        self._offset = self._received = self._end = self._ends = 0
        self._pausing_since = self._clock.ms()
        self._pause_at = -1  # where the package stood when a pause was asked for

    def __getattr__(self, name):  # the beginning, the end, and all that goes wrong
        from agent.fetch_rare import Rare

        return late(Rare, self, name)

    def step(self):
        """Do one bounded thing; return the milliseconds until the next one is wanted."""
        try:
            return self._install()
        except LinkError as e:
            if self._is_short(e):
                self._refuse(PackageError("the package is shorter than its manifest says", BROKEN))
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
        self._installer = None
        self._offset, self._pause_at = 0, -1

    # -- the way forward ----------------------------------------------------------------------------------------------

    def _install(self):
        if not self._installer:
            self._start_installer()
        record = self._record
        if not self._stream:
            self._open()
        before = record.progress.package_at
        told = self._installer.step(self._stream)
        if record.progress.package_at > before:
            self._owner.failures = 0
        manifest = self._installer.manifest
        if manifest and manifest.sha256 != record.job.digest:
            self._know(record.job, manifest.sha256)
        return self._follow(told)

    def _follow(self, told):
        if told == WAIT:
            if self._clock.since(self._owner.began) > MOST_MS:
                self._end_late()
            return _POLL_MS
        if told == SEEK:
            self._close()
            self._offset = self._installer.offset
        elif told == RUNS:
            self._hold_running()
        elif told == DONE:
            self._hold_package()
        return 0

    def _close(self):
        if self._stream:
            self._stream.close()
            self._stream = None
