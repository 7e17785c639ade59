"""Signatures on Linux: by `cryptography` where it is installed, else by the agent's own plain Python. One interface."""

from agent import p256

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
except ImportError:
    ec = None


def verify(key, digest, signature, feed=None):
    """Tell whether `signature` (64 bytes) of `digest` is by `key` (64 bytes); the same answers as agent.p256.verify."""
    if ec is None:
        return p256.verify(key, digest, signature, feed)
    if len(key) != 64 or len(signature) != 64 or len(digest) != 32:
        return False
    x, y, r, s = (int.from_bytes(part, "big") for part in (key[:32], key[32:], signature[:32], signature[32:]))
    try:
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        public.verify(encode_dss_signature(r, s), bytes(digest), ec.ECDSA(Prehashed(hashes.SHA256())))
    except (InvalidSignature, ValueError):
        return False
    return True
