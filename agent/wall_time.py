"""What time it is, on a board that may have no clock of its own: never earlier than what is certain to have passed.

Certain are the build time in the running bank's signed manifest and the last time noted. A time server's word is not
signed, so it is noted only once it has proven itself: see `keep`.
"""

import struct

from agent.compat import const
from agent.seconds import Seconds

TIME = const(8)  # journal key: a note
_LAYOUT = "<BQ"  # format, seconds since 1970
_FORMAT = const(1)
_SIZE = const(9)
_DAY = const(86400)


class WallTime:
    """`built` is the manifest's build time, 0 where it is not known; seconds since 1970 throughout."""

    def __init__(self, clock, built, journal):
        self._clock, self._journal = clock, journal
        self._seconds = Seconds(clock)
        self._noted = _load(journal)
        self._base = self._floor = max(built, self._noted)
        self._heard = False

    def unix(self):
        """Return the time as well as it is known; ask at least once in six days."""
        return max(self._base + self._seconds.now(), self._clock.unix() or 0)

    @property
    def known(self):
        """Tell whether the board's clock or the network has said a time that can be true."""
        own, _ = self._clock.unix(), self._seconds.now()  # which must be asked now and then
        return self._heard or (own is not None and own >= self._floor)

    def set_by_network(self, seconds):
        """Take a time server's word; return False and leave the time alone where that is below what is certain."""
        if seconds < self._floor:
            return False
        self._base = seconds - self._seconds.now()
        self._heard = True
        return True

    def keep(self):
        """Note the time, at most once a day; call it when a server that was authentic has been heard under this time.

        What is noted can never be taken back: a forged time would make every certificate look expired for good.
        """
        now = self.unix()
        if self.known and now - self._noted >= _DAY:
            self._journal.note(TIME, struct.pack(_LAYOUT, _FORMAT, now))
            self._noted = now
            self._floor = max(self._floor, now)


def _load(journal):
    data = bytearray(58)
    if journal.get(TIME, data) < _SIZE or data[0] != _FORMAT:
        return 0
    return struct.unpack_from(_LAYOUT, data, 0)[1]
