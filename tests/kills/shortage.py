"""The same world on a disk that is full at times: devices are put off, nothing that was answered is lost, and then all goes on.

The disk is full where the process may write no file longer than a few messages (RLIMIT_FSIZE); its log is in shorter ones.
"""

import resource
import time
from contextlib import ExitStack

from tests.kills import invariants
from tests.kills.deaths import Death
from tests.kills.life import FLAKY
from tests.kills.trial import Trial

_ROOM_S, _FULL_S, _FULL_SIZE = 0.7, 1.2, 32768
_OFTEN = 3  # lines a second of the server's own clock, beside one for each that was put off


class Shortage(Trial):
    """`run(times)`: so often there is no room."""

    bad_lines = ("defect", "Traceback")

    def run(self, times: int):
        """Do it; violations are in the truth."""
        with ExitStack() as stack:
            self._make_folder()
            self._open_nursery(stack)
            self._begin(stack)
            self._last_life()
            for number in range(times):
                time.sleep(_ROOM_S)
                self._fill()
                time.sleep(_FULL_S)
                self._look(invariants.check)
                self._make_room() if number else self._begin_again()
            self._finish()
            self._count_lines(times * _FULL_S)

    def run_flaky(self, lives: int, seconds: float):
        """The same with a disk that fails now and then."""
        with ExitStack() as stack:
            self._make_folder()
            self._open_nursery(stack)
            self._begin(stack)
            for _ in range(lives):
                self._live(Death(FLAKY, seconds))
            self._last_life()
            self._finish()

    def _fill(self):
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (_FULL_SIZE, resource.RLIM_INFINITY))

    def _make_room(self):
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def _begin_again(self):
        """Kill a server that has no room."""
        self._kill()
        self._last_life()

    def _count_lines(self, seconds):
        """A line for each that was put off, or for those that came together, and no more."""
        lines = [line for line in self._log() if "the store fails" in line]
        counts = self.truth.counts
        put_off = counts["put off"] + counts["put off requests"]
        counts["lines"] = len(lines)
        if not put_off * 0.1 <= len(lines) <= put_off + counts["broken exchanges"] + _OFTEN / 0.2 * seconds:
            self.truth.violation("%d were put off, the log has %d lines", put_off, len(lines))
