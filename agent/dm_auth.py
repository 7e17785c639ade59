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


def _join(*parts):
    return b":".join([part.encode() if isinstance(part, str) else part for part in parts])


def _secret_hash(user, secret):
    return b64(md5(_join(user, secret)).digest())


def basic(user, secret):
    """Return a Cred's Data."""
    return b64(_join(user, secret))


def digest(user, secret, nonce):
    """Return the sixteen bytes that a Cred of type md5 carries in base64."""
    return md5(_join(_secret_hash(user, secret), nonce)).digest()


def mac(user, secret, nonce, body_hash):
    """Return the sixteen bytes over a body; `body_hash` is its MD5. Notifications use the same."""
    return md5(_join(_secret_hash(user, secret), nonce, b64(body_hash))).digest()


def same(a, b):
    """Compare in a time that does not depend on where they differ."""
    difference = len(a) ^ len(b)
    for i in range(min(len(a), len(b))):
        difference |= a[i] ^ b[i]
    return not difference


def header(user, code):
    """Return the value of x-syncml-hmac."""
    return 'algorithm=MD5, username="%s", mac=%s' % (user, str(b64(code), "utf-8"))


def parse_header(text):
    """Return (user, the sixteen bytes) from any order, case and quoting; (None, b"") where it is not one."""
    fields = {}
    for part in _split(text):
        key, _, value = part.partition("=")
        fields[key.strip().lower()] = value.strip().strip('"')
    code = from_b64(fields.get("mac", "").encode())
    if fields.get("algorithm", "MD5").upper() != "MD5" or "username" not in fields or not code:
        return None, b""
    if len(code) == 32:  # base64 of hexadecimal, as an example in the specification has it
        try:
            code = binascii.unhexlify(code)
        except ValueError:
            return None, b""
    return (fields["username"], code) if len(code) == 16 else (None, b"")


def _split(text):
    """Split at commas outside quotes."""
    parts, start, quoted = [], 0, False
    for i in range(len(text)):
        if text[i] == '"':
            quoted = not quoted
        elif text[i] == "," and not quoted:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return parts
