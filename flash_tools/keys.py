"""Signing keys: P-256 private keys in PEM files, and what a device needs to know of them."""

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from flash_tools.errors import ToolError


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a signing key."""
    return ec.generate_private_key(ec.SECP256R1())


def write_key(key: ec.EllipticCurvePrivateKey, path: Path, passphrase: bytes | None = None) -> None:
    """Write the private key for its owner only; an existing file is never overwritten."""
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ToolError(f"{path} exists: a key is not overwritten, choose another name") from None
    except OSError as e:
        raise ToolError(f"cannot write {path}: {e.strerror}") from None
    with os.fdopen(handle, "wb") as file:
        file.write(pem)


def read_key(path: Path, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """Read a private key."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), passphrase)
    except OSError as e:
        raise ToolError(f"cannot read the key {path}: {e.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise ToolError(f"{path} is no private key that can be opened: {e}".splitlines()[0]) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ToolError(f"{path} is not a P-256 key: make one with `fumo keys new`")
    return key


def read_public_key(path: Path, passphrase: bytes | None = None) -> bytes:
    """Return the 64 bytes of a public key from a PEM file, of the key itself or of its public half."""
    try:
        public = serialization.load_pem_public_key(path.read_bytes())
    except OSError as e:
        raise ToolError(f"cannot read the key {path}: {e.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        return public_bytes(read_key(path, passphrase))
    return _p256(public, str(path))


def read_public_pem(text: str) -> bytes:
    """Return the 64 bytes of a public key from its PEM text."""
    try:
        public = serialization.load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ToolError("this is no public key in PEM form: take the .pub.pem file") from None
    return _p256(public, "this")


def _p256(public, name: str) -> bytes:
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise ToolError(f"{name} is not a P-256 key: make one with `fumo keys new`")
    return _raw(public)


def public_path(path: Path) -> Path:
    """Return where the public half of a private key's file belongs: one place a key, whatever the name ends with."""
    return path.with_suffix(".pub.pem") if path.suffix == ".pem" else path.with_name(path.name + ".pub.pem")


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return x and y of the public key, 64 bytes: the form a device trusts it in."""
    return _raw(key.public_key())


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public half as PEM."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(public: bytes) -> str:
    """Return the name that manifests call a key by."""
    return hashlib.sha256(public).hexdigest()[:16]


def _raw(public: ec.EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)[1:]
