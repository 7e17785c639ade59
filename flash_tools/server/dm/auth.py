"""Digests, the x-syncml-hmac header and challenges, from the formulas of the standard alone (facts/omadm.md, 3).

Nothing here is shared with the agent: the two sides must not agree on a mistake. Raw bytes in, what goes on the wire out.
"""

import base64
import binascii
import hashlib
import hmac

from flash_tools.server.dm.element import Element, leaf, meta, node

TYPES = {"basic": "syncml:auth-basic", "md5": "syncml:auth-md5", "MAC": "syncml:auth-MAC"}
ZERO_NONCE = bytes(4)  # for resynchronisation only
MAC_HEADER = "x-syncml-hmac"
STRENGTH = {"basic": 0, "md5": 1, "MAC": 2}
_HEADER_MAX = 1024  # characters of an x-syncml-hmac header; it is read once for each nonce that may be meant
_NONCE_TEXT_MAX = 512  # bytes of a NextNonce as it travels


def _b64(data: bytes) -> bytes:
    return base64.b64encode(data)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _account(user: str, secret: str) -> bytes:
    return _b64(_md5(user.encode() + b":" + secret.encode()))


def basic(user: str, secret: str) -> str:
    """Return the Data of basic credentials."""
    return _b64(user.encode() + b":" + secret.encode()).decode()


def md5(user: str, secret: str, nonce: bytes) -> str:
    """Return the Data of md5 credentials."""
    return _b64(_md5(_account(user, secret) + b":" + nonce)).decode()


def mac_digest(user: str, secret: str, nonce: bytes, body: bytes) -> bytes:
    """Return the raw digest over a body: for a message's header, or in front of a notification."""
    return _md5(_account(user, secret) + b":" + nonce + b":" + _b64(_md5(body)))


def mac(user: str, secret: str, nonce: bytes, body: bytes) -> str:
    """Return the `mac` of the x-syncml-hmac header."""
    return _b64(mac_digest(user, secret, nonce, body)).decode()


def mac_header(user: str, value: str) -> str:
    """Return the value of the x-syncml-hmac header."""
    return 'algorithm=MD5, username="%s", mac=%s' % (user, value)


def parse_mac_header(text: str) -> dict[str, str] | None:
    """Return the header's parts, in any order, quoted or not; None if it is none or names another algorithm."""
    parts = {}
    for piece in _split_outside_quotes(text):
        name, equals, value = piece.strip().partition("=")
        if equals:
            parts[name.strip().lower()] = value.strip().strip('"')
    if "username" not in parts or "mac" not in parts or parts.get("algorithm", "MD5").upper() != "MD5":
        return None
    return parts


def _split_outside_quotes(text: str) -> list[str]:
    pieces, quoted = [""], False
    for letter in text:
        quoted ^= letter == '"'
        if letter == "," and not quoted:
            pieces.append("")
        else:
            pieces[-1] += letter
    return pieces


def check_mac(header: str | None, user: str, secret: str, nonce: bytes, body: bytes) -> bool:
    """Tell whether the header is right; base64 of the digest's hexadecimal text, unpadded, is seen too (facts D#9)."""
    parts = parse_mac_header(header) if header and len(header) <= _HEADER_MAX else None
    if parts is None or not same(parts["username"], user):
        return False
    digest, given = mac_digest(user, secret, nonce, body), parts["mac"].rstrip("=")
    forms = digest, digest.hex().encode(), digest.hex().upper().encode()
    return any(same(given, _b64(form).decode().rstrip("=")) for form in forms)


def same(one: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def check_cred(cred: Element | None, kind: str, user: str, secret: str, nonce: bytes | None) -> bool:
    """Tell whether a Cred element holds the right credentials of that kind; without a Type they are basic."""
    if cred is None or (cred.value("Meta", "Type") or TYPES["basic"]).lower() != TYPES[kind].lower():
        return False
    if kind == "md5":
        return nonce is not None and same(cred.value("Data"), md5(user, secret, nonce))
    return same(cred.value("Data"), basic(user, secret))


def cred(kind: str, data: str) -> Element:
    """Make the Cred element of a SyncHdr."""
    return node("Cred", meta(Format="b64", Type=TYPES[kind]), leaf("Data", data))


def challenge(kind: str, nonce: bytes | None) -> Element:
    """Make a Chal element."""
    text = None if nonce is None else _b64(nonce)
    return node("Chal", meta(Type=TYPES[kind], Format="b64", NextNonce=text))


def read_challenge(chal: Element) -> tuple[str | None, bytes | None]:
    """Return (kind, next nonce) of a Chal; None for what is missing or unknown."""
    asked = chal.value("Meta", "Type").lower()
    forms = nonce_forms(chal)
    return next((kind for kind, name in TYPES.items() if name.lower() == asked), None), forms[0] if forms else None


def nonce_forms(chal: Element) -> list[bytes]:
    """Return what the NextNonce of a Chal may mean, the likeliest first; nothing where it is missing or absurdly long.

    Seen were base64, base64 twice and the plain bytes (facts 8.9).
    """
    text = chal.data("Meta", "NextNonce")
    if text is None or len(text) > _NONCE_TEXT_MAX:
        return []
    text = text.strip()
    once = _from_b64(text)
    if once is None:
        return [text]
    twice = _from_b64(once) if once else None
    return [once, text] if twice is None else [once, twice, text]


def _from_b64(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return None
