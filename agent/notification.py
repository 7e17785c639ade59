"""Package 0: a server asks for a session by datagram. Whatever is not authentic and wanted is dropped without a word.

`accounts` has by_server(server_id), `nonces` is a dm_nonces.Nonces, `clock` that of hal/contracts.py, `log` takes a text
and arguments. Nothing is sent or stored here and no nonce is used up: that is for the session that a Trigger leads to.
The layout is DMNOTI 1.2; the framing, where there is any, that of a WAP push.
"""

from agent.compat import const, md5
from agent.dm_auth import SPECIAL_NONCE, b64, mac, same
from agent.fields import Fields

_DIGEST = const(16)
_VERSION = const(16)  # ten bits, then ui-mode (2), initiator (1), future use (27)
_FLAGS = const(17)
_SESSION = const(21)
_ID_SIZE = const(23)
_ID = const(24)
_RIGHT_VERSION = const(11)  # 10 was the draft, 12 is what data synchronisation sends in the same frame
_PUSH = const(6)  # WSP: transaction id, this PDU type, size of the headers, headers
_LIMIT_MS = const(60000)  # at most one session from notifications in this time


def make_trigger(account, session_id, flags, resync):
    """Return what a notification asks for: `account`, `session_id`, and:

    `ui_mode`: 0 not specified, 1 background, 2 informative, 3 ask first. `initiator`: 1 the server, 0 the user. `resync`:
    the server has lost our nonce, both sides prove themselves with the special one.
    """
    trigger = Fields()
    trigger.account, trigger.session_id = account, session_id
    trigger.ui_mode = flags >> 4 & 3
    trigger.initiator = flags >> 3 & 1
    trigger.resync = resync
    return trigger


class Notifications:
    """Judge datagrams; the cheap questions come first, since anybody can send one."""

    def __init__(self, accounts, nonces, clock, log=None, kept=None):
        self._accounts, self._nonces, self._clock, self._log = accounts, nonces, clock, log
        self._special, self._last_ms = kept or (nonces.fresh, None)  # the special nonce may still be tried

    def keep(self):
        """Return what another one needs to go on as this one would: `kept`."""
        return self._special, self._last_ms

    def judge(self, data):
        """Return a trigger; None for everything that is malformed, forged, replayed or too soon."""
        if self._is_too_soon():
            return None
        view = memoryview(data)
        for start in _starts(view):
            trigger = self._judge_body(view[start:])
            if trigger:
                self._last_ms = self._clock.ms()
                return trigger
        return None

    def _is_too_soon(self):
        if self._last_ms is None or 0 <= self._clock.since(self._last_ms) < _LIMIT_MS:
            return self._last_ms is not None
        self._last_ms = None  # a clock that wraps may call it recent again
        return False

    def _judge_body(self, body):
        end = _ID + body[_ID_SIZE] if len(body) > _ID else 0
        if not _ID < end <= len(body):
            return None
        version = body[_VERSION] << 2 | body[_FLAGS] >> 6
        session_id = body[_SESSION] << 8 | body[_SESSION + 1]
        if abs(version - _RIGHT_VERSION) > 1 or not session_id or self._nonces.had_session(session_id):
            return None
        try:
            account = self._accounts.by_server(str(body[_ID:end], "utf-8"))
        except ValueError:  # not UTF-8
            return None
        if not account or not account.server.secret:  # without a secret anybody could have made the digest
            return None
        nonce = self._find_nonce(account, body)
        if not nonce:
            return None
        if version != _RIGHT_VERSION and self._log:
            self._log("notification of version %d", version)
        return make_trigger(account, session_id, body[_FLAGS], nonce is SPECIAL_NONCE)

    def _find_nonce(self, account, body):
        """Return the nonce that the digest was made with, None where it is none of those the server may have."""
        server = account.server
        hashed = md5(body[_DIGEST:]).digest()
        for nonce in self._candidates(account):
            for user in (account.server_id, server.user):  # the text says the id, libdmclient takes the user name
                if same(mac(user, server.secret, nonce, hashed), body[:_DIGEST]):
                    if nonce is SPECIAL_NONCE:
                        self._special = False
                    return nonce
        return None

    def _candidates(self, account):
        nonces = self._nonces
        # A session that ends with the server's word leaves it with the nonce that it has just proved itself with.
        for number in [nonces.last(account)] + nonces.candidates(account, nonces.counter):
            nonce = nonces.server_nonce(account, number)
            if nonce.strip(b"\x00"):  # an empty or zero one makes a digest that never changes
                yield nonce
                yield b64(nonce)  # servers exist that take the text as it is
        if self._special and nonces.fresh:
            yield SPECIAL_NONCE


def _starts(view):
    """Yield where the body may begin: at once, behind WSP headers, or behind a UDH and those. The digest tells."""
    if len(view):
        yield 0
        for at in (0, view[0] + 1):
            # The headers have at most 48 bytes, so their size has one; what type they name matters less than the digest.
            if len(view) > at + 2 and view[at + 1] == _PUSH:
                yield at + 3 + view[at + 2]
