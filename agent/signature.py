"""A manifest travels as a JWS compact string, ES256: opened here, and only by a key that the device trusts.

Must not know what the payload says. `verify(key, digest, signature)` is agent.p256.verify, or what a port has that is faster.
"""

import binascii
import hashlib
import json

from agent.compat import const
from agent.errors import PackageError
from agent.sizes import MAX_JWS

MAX_PAYLOAD = const(2048)
_MAX_HEADER = const(192)
_MALFORMED = const(402)
_NOT_TRUSTED = const(404)


def open_jws(text, anchors, verify):
    """Return the payload of `text`; `anchors` is ((kid, 64 bytes of public key), ...). Raise PackageError."""
    text = bytes(text)
    parts = text.split(b".")
    if len(parts) != 3 or len(text) > MAX_JWS:
        raise PackageError("the manifest is not a JWS compact string of at most %d bytes" % MAX_JWS, _MALFORMED)
    key = _key_for(_decode(parts[0], _MAX_HEADER), anchors)
    payload = _decode(parts[1], MAX_PAYLOAD)
    signature = _decode(parts[2], 64)
    digest = hashlib.sha256(text[: len(parts[0]) + 1 + len(parts[1])]).digest()
    if len(signature) != 64 or not verify(key, digest, signature):
        raise PackageError("the manifest's signature is wrong: sign it with a key that the device trusts", _NOT_TRUSTED)
    return payload


def load_json(data):
    """Return what JSON `data` says; raise PackageError where it says nothing."""
    try:
        return json.loads(str(data, "utf-8"))
    except (ValueError, RuntimeError):  # MicroPython: RuntimeError for a text nested too deeply
        raise PackageError("the manifest is not JSON", _MALFORMED)


def _key_for(header, anchors):
    fields = load_json(header)
    if not isinstance(fields, dict) or fields.get("alg") != "ES256" or "crit" in fields:
        raise PackageError("the manifest is not signed with ES256: use a P-256 key", _NOT_TRUSTED)
    for kid, key in anchors:
        if fields.get("kid") == kid:
            return key
    raise PackageError(
        "the device does not know the key that signed the manifest: sign with one it trusts", _NOT_TRUSTED
    )


def _decode(part, limit):
    """Decode base64url as RFC 7515 wants it: no padding, nothing between, no spare bits."""
    if len(part) % 4 == 1 or len(part) > (limit * 4 + 2) // 3:
        raise PackageError("a part of the manifest is too long or cut off", _MALFORMED)
    for byte in part:
        if not (48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 45 or byte == 95):
            raise PackageError("the manifest is not base64url", _MALFORMED)
    plain = part.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(part) % 4)
    data = binascii.a2b_base64(plain)
    if binascii.b2a_base64(data).strip() != plain:
        raise PackageError("the manifest is not base64url", _MALFORMED)
    return data
