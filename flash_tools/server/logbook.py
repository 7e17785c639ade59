"""Keeps what went over the wire: one row a session, one an exchange, in the transaction of the exchange. Secrets are blanked first.

Whoever is not known leaves no row, who is not authenticated only so many an hour: nobody fills the disk from outside.
"""

import time
from collections import Counter
from functools import lru_cache
from weakref import WeakKeyDictionary

from flash_tools.server.dm.access import ACCEPTED
from flash_tools.server.dm.auth import basic

_MOST_BODY = 16384  # bytes of a message that are kept
_MOST_MESSAGES, _MOST_REFUSED = 1000, 10  # of a session that are kept; of one that was never let in
_SESSIONS_AN_HOUR, _BYTES_AN_HOUR = 600, 16 << 20  # of one device that are kept
_STRANGERS_AN_HOUR = 200
_HOUR_S = 3600


class Logbook:
    """Whoever calls holds the desk's lock."""

    def __init__(self, desk):
        self._desk = desk
        self._rows = WeakKeyDictionary()  # Session -> _Row
        self._hour, self._refusals = 0, 0
        self._begun, self._bytes = Counter(), Counter()  # of each device in this hour

    def exchange(self, session, request, reply, content_type, started, address) -> bool:
        """Note an exchange of a known device; tell whether it is authenticated."""
        accepted = session.code in ACCEPTED
        now = time.time()
        row = self._row(session, accepted)
        if row is None:
            return accepted
        row.messages += 1
        row.bytes_in += len(request)
        row.bytes_out += len(reply.body)
        device = session.device
        hidden = _secrets(device.client_name, device.client_secret, device.server_id, device.server_secret)
        ms = round((now - started) * 1000, 2)
        store = self._desk.store
        bodies = _blank(request, hidden), reply.content_type, _blank(reply.body, hidden)
        result = session.failure or ("ok" if session.over else "" if accepted else "Status %d" % session.code)
        counts = row.messages, row.bytes_in, row.bytes_out, result
        if row.number:
            store.put_session(row.number, now, *counts)
        else:
            who = session.device.device_id, session.session_id[:64]
            row.number = store.add_session(*who, now, address, session.tls, *counts)
        if row.messages <= (_MOST_MESSAGES if session.known else _MOST_REFUSED):
            bodies = self._within(device.device_id, *bodies)
            store.add_message(row.number, row.messages, started, ms, content_type[:64], *bodies, "")
        self._tell(session, row, result, accepted)
        return accepted

    def _row(self, session, accepted):
        row = self._rows.get(session)
        if row is not None:
            return row
        if self._too_many(session.device.device_id, accepted, time.time() // _HOUR_S):
            return None
        row = self._rows[session] = _Row()
        return row

    def _too_many(self, device_id, accepted, hour):
        if hour != self._hour:
            self._hour, self._refusals = hour, 0
            self._begun.clear()
            self._bytes.clear()
        if accepted:
            self._begun[device_id] += 1
            return self._begun[device_id] > _SESSIONS_AN_HOUR
        self._refusals += 1
        return self._refusals > _STRANGERS_AN_HOUR

    def _within(self, device_id, request, kind, answer):
        """Return what is kept of an exchange: nothing of the bytes where the device has said too much in this hour."""
        self._bytes[device_id] += len(request) + len(answer)
        return (request, kind, answer) if self._bytes[device_id] <= _BYTES_AN_HOUR else (b"", kind, b"")

    def _tell(self, session, row, result, accepted):
        """Note the session's begin and end as events."""
        device_id, add = session.device.device_id, self._desk.events.add
        if accepted and not row.begun:
            row.begun = True
            add("contact", "", device=device_id, keep=False, session=row.number)  # the session's row says it, too
        if session.over and not row.ended:
            row.ended = True
            keep = result != "ok"
            add("session", result, device=device_id, keep=keep, session=row.number, messages=row.messages)
        elif not row.ended:
            add("message", "", device=device_id, keep=False, session=row.number, n=row.messages)


@lru_cache(maxsize=1024)
def _secrets(name, secret, server_name, server_secret):
    found = [secret, server_secret, basic(name, secret), basic(server_name, server_secret or "")]
    return [text.encode() for text in found if text]


class _Row:
    def __init__(self):
        self.number = 0  # of the session in the store
        self.messages = self.bytes_in = self.bytes_out = 0
        self.begun = self.ended = False


def _blank(body: bytes, secrets: list[bytes]) -> bytes:
    """Return a message as it is kept: bytes stay where they were."""
    for secret in secrets:
        if secret in body:
            body = body.replace(secret, b"*" * len(secret))
    return body[:_MOST_BODY]
