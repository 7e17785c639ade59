"""Who has proven what in a session: our credentials towards the server, the server's towards us, and the challenges.

Each account has a floor: without TLS it is MAC in both directions. A challenge below the floor, or with an empty or zero
nonce, ends the session before anything is said. The server of a verified TLS connection counts as proven. A guard is plain,
so that it outlives this module: `kind`, `nonce` and `signs` say how the next message of ours proves itself.
"""

import binascii

from agent import dm_auth
from agent.compat import const
from agent.errors import ProtocolError
from agent.fields import Fields

_BASIC = const(1)  # as in dm_auth
_MD5 = const(2)
_MAC = const(3)
_ATTEMPTS = const(3)


def begin(account, nonces, secure, insecure, resync):
    """Return a guard of both directions of one session, with nothing proven; `insecure` waives the floor."""
    guard = Fields()
    guard.account, guard.nonces = account, nonces
    guard.secure = guard.proven = secure
    guard.free = secure or insecure
    guard.special = resync
    guard.kind = guard.server_kind = _MAC
    if guard.free:
        guard.kind = account.preferred or account.client.kind or (_MD5 if secure else _MAC)
        guard.server_kind = account.server.kind or _MD5
    guard.nonce = dm_auth.SPECIAL_NONCE if resync else nonces.client_nonce(account)
    guard.silent = guard.kind != _BASIC and not guard.nonce  # nothing to prove ourselves with: wait for the challenge
    guard.accepted = False
    guard.next_nonce = b""  # for the next session, if the message that brought it is authentic
    guard.attempts = guard.challenges = 0
    guard.issued = guard.acknowledged = 0  # numbers of the nonce that our last message gave, and that was received
    return _choose(guard)


def _choose(guard):
    """Tell the next message whether it carries a MAC."""
    guard.signs = guard.kind == _MAC and not guard.silent
    return guard


def _allowed(guard, kind):
    return kind == _MAC or guard.free


def on_status(guard, code, challenge):
    """Take the server's verdict; `challenge` is (type, nonce) or None. Tell whether package 1 goes out again."""
    if challenge and challenge[1] and code in (200, 212):
        _take_nonce(guard, challenge[1])
        if not guard.accepted:
            guard.nonce = challenge[1]
    if code == 212:
        if guard.signs:
            raise ProtocolError("a MAC can not be accepted for a whole session", 401)
        guard.accepted = True
    if code not in (401, 407):
        return False
    guard.attempts += 1
    if not challenge or guard.attempts > _ATTEMPTS:
        raise ProtocolError("the server does not take the credentials", 401)
    kind, nonce = challenge
    kind = dm_auth.TYPES.index(kind) if kind in dm_auth.TYPES else 0
    if not kind or not _allowed(guard, kind):
        raise ProtocolError("the server asks for credentials below the account's floor", 401)
    if kind != _BASIC:
        _take_nonce(guard, nonce)
    if not guard.silent and (kind, nonce) == (guard.kind, guard.nonce):
        raise ProtocolError("the server refuses what it asked for", 401)
    guard.kind, guard.nonce = kind, nonce
    guard.silent = guard.accepted = False
    _choose(guard)
    return True


def _take_nonce(guard, nonce):
    if not nonce.strip(b"\x00") and not guard.special:
        raise ProtocolError("the server's nonce is empty", 401)
    if guard.proven:
        guard.next_nonce = nonce


def check(guard, cred, mac, body_hash):
    """Judge a message by its Cred, (type, Data), and its MAC header; return the status of its SyncHdr."""
    signed = guard.server_kind == _MAC
    right = _check_mac(guard, mac, body_hash) if signed else _check_cred(guard, cred)
    guard.proven = right or guard.proven and (guard.secure or not signed)
    if not guard.proven:
        return 401 if cred or mac else 407
    guard.challenges = min(guard.challenges, 1)
    guard.acknowledged = guard.issued
    return 200 if signed and right else 212


def _check_mac(guard, mac, body_hash):
    user, code = parse_header(mac or "")
    return user == guard.account.server.user and _prove(guard, code, dm_auth.b64(body_hash))


def _check_cred(guard, cred):
    server = guard.account.server
    if not cred or not server.secret or cred[0] != dm_auth.TYPES[guard.server_kind]:
        return False
    if guard.server_kind == _BASIC:
        return dm_auth.same(dm_auth.basic(server.user, server.secret), cred[1])
    return _prove(guard, dm_auth.from_b64(cred[1]) or b"")


def _prove(guard, code, *parts):
    """Try the nonces that the server may have; each proves it once. Without a secret there is nothing to prove.

    `parts` is what stands behind the nonce in the formula.
    """
    nonces, account, digest = guard.nonces, guard.account, dm_auth.digest
    user, secret = account.server.user, account.server.secret
    if not secret:
        return False
    if guard.special and dm_auth.same(digest(user, secret, dm_auth.SPECIAL_NONCE, *parts), code):
        return True
    for number in [guard.issued] if guard.issued else nonces.candidates(account, nonces.before):
        nonce = nonces.server_nonce(account, number)
        for form in (nonce, dm_auth.b64(nonce)):
            if form and dm_auth.same(digest(user, secret, form, *parts), code):
                if not guard.issued:
                    nonces.proved(account, number)
                return True
    return False


def challenge(guard, message):
    """Return (type, NextNonce in base64) for the Status of the server's SyncHdr in this message of ours."""
    guard.issued = guard.nonces.number(message)
    return dm_auth.TYPES[guard.server_kind], dm_auth.b64(guard.nonces.derive(guard.issued))


def end(guard):
    """Keep what the next session needs."""
    if guard.proven:
        guard.nonces.end(guard.account, guard.next_nonce, guard.acknowledged)


def parse_header(text):
    """Return (user, the sixteen bytes) of an x-syncml-hmac in any order, case and quoting; (None, b"") where it is not one."""
    fields = {}
    pieces = text.split('"')
    for i in range(0, len(pieces), 2):  # the others are quoted, commas may be in them
        pieces[i] = pieces[i].replace(",", "\n")
    for part in '"'.join(pieces).split("\n"):
        key, _, value = part.partition("=")
        fields[key.strip().lower()] = value.strip().strip('"')
    code = dm_auth.from_b64(fields.get("mac", "").encode()) or b""
    if len(code) == 32:  # base64 of hexadecimal, as an example in the specification has it
        try:
            code = binascii.unhexlify(code)
        except ValueError:
            pass
    user = fields.get("username")
    if user is None or len(code) != 16 or fields.get("algorithm", "md5").lower() != "md5":
        return None, b""
    return user, code
