"""Whether a message of the server is genuine, and what its verdict on ours means. See dm_guard.py."""

from agent import dm_auth
from agent.compat import const
from agent.dm_guard import Guard
from agent.errors import ProtocolError

_BASIC = const(1)  # as in dm_auth
_MD5 = const(2)
_MAC = const(3)
_ATTEMPTS = const(3)


class Judging(Guard):
    """What a Guard does for a message that came, and at the session's two ends."""

    def set_up(self, account, nonces, secure, insecure, resync):
        """Begin with nothing proven."""
        self._account, self._nonces = account, nonces
        self.secure = self.proven = secure
        self._free = secure or insecure
        self._special = resync
        self.kind = self.server_kind = _MAC
        if self._free:
            self.kind = account.preferred or account.client.kind or (_MD5 if secure else _MAC)
            self.server_kind = account.server.kind or _MD5
        self.nonce = dm_auth.SPECIAL_NONCE if resync else nonces.client_nonce(account)
        self._silent = self.kind != _BASIC and not self.nonce  # nothing to prove ourselves with: wait for the challenge
        self._accepted = False
        self.next_nonce = b""  # for the next session, if the message that brought it is authentic
        self._attempts = self.challenges = 0
        self._issued = self._acknowledged = 0  # numbers of the nonce that our last message gave, and that was received

    def _allowed(self, kind):
        return kind == _MAC or self._free

    def on_status(self, code, challenge):
        """Take the server's verdict; `challenge` is (type, nonce) or None. Tell whether package 1 goes out again."""
        if challenge and challenge[1] and code in (200, 212):
            self._take_nonce(challenge[1])
            if not self._accepted:
                self.nonce = challenge[1]
        if code == 212:
            if self.signs:
                raise ProtocolError("a MAC can not be accepted for a whole session", 401)
            self._accepted = True
        if code not in (401, 407):
            return False
        self._attempts += 1
        if not challenge or self._attempts > _ATTEMPTS:
            raise ProtocolError("the server does not take the credentials", 401)
        kind, nonce = challenge
        kind = dm_auth.TYPES.index(kind) if kind in dm_auth.TYPES else 0
        if not kind or not self._allowed(kind):
            raise ProtocolError("the server asks for credentials below the account's floor", 401)
        if kind != _BASIC:
            self._take_nonce(nonce)
        if not self._silent and (kind, nonce) == (self.kind, self.nonce):
            raise ProtocolError("the server refuses what it asked for", 401)
        self.kind, self.nonce = kind, nonce
        self._silent = self._accepted = False
        return True

    def _take_nonce(self, nonce):
        if not nonce.strip(b"\x00") and not self._special:
            raise ProtocolError("the server's nonce is empty", 401)
        if self.proven:
            self.next_nonce = nonce

    def check(self, cred, mac, body_hash):
        """Judge a message by its Cred, (type, Data), and its MAC header; return the status of its SyncHdr."""
        signed = self.server_kind == _MAC
        right = self._check_mac(mac, body_hash) if signed else self._check_cred(cred)
        self.proven = right or self.proven and (self.secure or not signed)
        if not self.proven:
            return 401 if cred or mac else 407
        self.challenges = min(self.challenges, 1)
        self._acknowledged = self._issued
        return 200 if signed and right else 212

    def _check_mac(self, mac, body_hash):
        user, code = dm_auth.parse_header(mac or "")
        return user == self._account.server.user and self._prove(code, dm_auth.b64(body_hash))

    def _check_cred(self, cred):
        server = self._account.server
        if not cred or not server.secret or cred[0] != dm_auth.TYPES[self.server_kind]:
            return False
        if self.server_kind == _BASIC:
            return dm_auth.same(dm_auth.basic(server.user, server.secret), cred[1])
        return self._prove(dm_auth.from_b64(cred[1]) or b"")

    def _prove(self, code, *parts):
        """Try the nonces that the server may have; each proves it once. Without a secret there is nothing to prove.

        `parts` is what stands behind the nonce in the formula.
        """
        nonces, account, digest = self._nonces, self._account, dm_auth.digest
        user, secret = account.server.user, account.server.secret
        if not secret:
            return False
        if self._special and dm_auth.same(digest(user, secret, dm_auth.SPECIAL_NONCE, *parts), code):
            return True
        for number in [self._issued] if self._issued else nonces.candidates(account, nonces.before):
            nonce = nonces.server_nonce(account, number)
            for form in (nonce, dm_auth.b64(nonce)):
                if form and dm_auth.same(digest(user, secret, form, *parts), code):
                    if not self._issued:
                        nonces.proved(account, number)
                    return True
        return False

    def challenge(self, message):
        """Return (type, NextNonce in base64) for the Status of the server's SyncHdr in this message of ours."""
        self._issued = self._nonces.number(message)
        return dm_auth.TYPES[self.server_kind], dm_auth.b64(self._nonces.derive(self._issued))

    def end(self):
        """Keep what the next session needs."""
        if self.proven:
            self._nonces.end(self._account, self.next_nonce, self._acknowledged)
