"""The formulas by which client and server prove themselves: basic, md5, MAC, and the header that carries a MAC.

H is MD5. What the texts call an HMAC is H(A:nonce:B64(H(body))), nested, not RFC 2104. Pure functions.
"""

import binascii

from agent.compat import const, md5

BASIC = const(1)
MD5 = const(2)
MAC = const(3)
TYPES = ("", "syncml:auth-basic", "syncml:auth-md5", "syncml:auth-MAC")
MAX_NONCE = const(64)
SPECIAL_NONCE = b"\x00\x00\x00\x00"  # both sides may fall back to it when they have lost each other's nonces


def b64(data):
    """Return base64 without a line end."""
    return binascii.b2a_base64(data)[:-1]


def from_b64(data):
    """Return the bytes, None where it is not base64; the padding may be missing, as in an example of the specification."""
    data = bytes(data).strip().rstrip(b"=")
    try:
        raw = binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except ValueError:
        return None
    return raw if b64(raw).rstrip(b"=") == data else None


def basic(user, secret):
    """Return a Cred's Data."""
    return b64((user + ":" + secret).encode())


def digest(user, secret, *parts):
    """Return the sixteen bytes that a Cred of type md5 carries in base64; the only part is the nonce."""
    secret_hash = md5((user + ":" + secret).encode()).digest()
    return md5(b":".join((b64(secret_hash),) + parts)).digest()


def mac(user, secret, nonce, body_hash):
    """Return the sixteen bytes over a body; `body_hash` is its MD5. Notifications use the same."""
    return digest(user, secret, nonce, b64(body_hash))


def same(a, b):
    """Compare in a time that does not depend on where they differ."""
    difference = len(a) ^ len(b)
    for i in range(min(len(a), len(b))):
        difference |= a[i] ^ b[i]
    return not difference


def header(user, code):
    """Return the value of x-syncml-hmac."""
    return 'algorithm=MD5, username="%s", mac=%s' % (user, str(b64(code), "utf-8"))
