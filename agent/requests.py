"""When to ask a server whether there is an update, and the alert that asks: FUMO's client initiated update (section 7).

By itself the device asks at an interval, and soon after it came to other firmware than the one that the servers know of.
A user asks at once. Nothing of it waits: it says what is due and is told what came of it; sessions are others' matter.
"""

import hashlib

from agent.backoff import pause_ms
from agent.compat import const
from agent.poll import Poll
from agent.seconds import Seconds

DEVICE = const(1)
USER = const(2)
NO_ANSWER = const(0)
FIRMWARE = const(9)  # journal key: a note, what ran when a server was asked for the last time
_KINDS = ("", "devicerequest", "userrequest")
_DAY_MS = const(86400000)
_USER_S = const(60)
_TRIES = const(8)
_MOST_S = const(3600)
_AGAIN = (401, 407)  # the session proves itself, and the alert goes out again


class Requests:
    """`version` and `digest` (bytes) are those of the running firmware; `interval_ms` is the board's.

    A small board has one only while something is due: `kept` is what `keep` of the one before has said.
    """

    def __init__(self, clock, random, journal, version, digest, interval_ms=_DAY_MS, kept=None):
        self._journal = journal
        self._seconds = kept[0] if kept else Seconds(clock)
        self._firmware = b"\x01" + hashlib.sha256(version.encode() + b"\x00" + digest).digest()[:16]
        self._changed = kept[1] if kept else not self._is_noted()
        self._poll = Poll(self._seconds, random, interval_ms // 1000, self._changed)
        self._random = random
        self._failures = self._retry_at = 0
        self._user, self._user_at = False, -_USER_S
        if kept:
            _, _, self._poll.end, self._failures, self._retry_at, self._user, self._user_at = kept

    def keep(self):
        """Return what another one needs to go on."""
        return self._seconds, self._changed, self._poll.end, self._failures, self._retry_at, self._user, self._user_at

    def by_user(self, updating):
        """Take the wish of a user; return False, and forget it, while an update runs or within a minute of the last one."""
        now = self._seconds.now()
        if updating or now - self._user_at < _USER_S:
            return False
        self._user, self._user_at, self._retry_at = True, now, now
        return True

    def due(self):
        """Return DEVICE or USER where a server is to be asked now, else None; stays until `answered` is called."""
        if self._wait_s():
            return None
        return USER if self._user else DEVICE

    @property
    def wished(self):
        """Tell whether a user's wish has not been answered."""
        return self._user

    def next_ms(self):
        """Return the milliseconds until something may be due, an hour at most: ask then, so that no time is missed."""
        return min(self._wait_s(), _MOST_S) * 1000

    @staticmethod
    def alert(kind, account, uri, on_status=None):
        """Return the alert; `uri` is the root of the firmware object, "" where the alert is to name none."""
        from agent.own_alert import FUMO_TYPE, generic

        data = account.request_data
        if uri and account.alert_source == "exec":
            uri += "/DownloadAndUpdate"
        form = account.alert_format if data.isdigit() else "chr"
        name = FUMO_TYPE + _KINDS[kind]
        return generic(name, data, uri, form=form, on_status=on_status)

    def answered(self, kind, code):
        """Take the Status of the alert; return True where the server's commands follow in this session.

        Call it with NO_ANSWER when the session is over, however it ended: after a Status that means nothing.
        """
        if code in _AGAIN:
            return False
        if code != NO_ANSWER:
            self._end(kind)
            self.told()
        elif self.due() == kind:
            self._fail()
        return code == 200

    def told(self):
        """Note that a server knows of the running firmware; the result of an update says so too."""
        if self._changed:
            self._journal.note(FIRMWARE, self._firmware)
            self._changed = False
            self._poll.again()

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _is_noted(self):
        data = bytearray(58)
        return bytes(data[: max(self._journal.get(FIRMWARE, data), 0)]) == self._firmware

    def _wait_s(self):
        return max(self._retry_at - self._seconds.now(), 0 if self._user else self._poll.left_s())

    def _fail(self):
        self._failures += 1
        wait_ms = pause_ms(self._failures, _TRIES, self._random)
        if wait_ms < 0:
            self._end(USER)
        else:
            self._retry_at = self._seconds.now() + (wait_ms + 999) // 1000

    def _end(self, kind):
        """Whatever was said: it is the interval's turn."""
        self._failures = 0
        self._user = self._user and kind != USER
        self._poll.again()
