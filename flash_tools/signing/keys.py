"""Signing keys: P-256 private keys in PEM files or tokens, and what a device needs to know of them."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import load_pem_x509_certificate

from flash_tools.errors import ToolError
from flash_tools.signing import pkcs11_uri

_PEM_MOST = 1 << 16
_PRIVATE = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----[ \r\n]*", re.DOTALL)


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a signing key."""
    return ec.generate_private_key(ec.SECP256R1())


def write_key(key: ec.EllipticCurvePrivateKey, path: Path, passphrase: bytes | None = None) -> None:
    """Write the private key for its owner only; an existing file is never overwritten, a part of one never left."""
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ToolError(f"{path} exists: a key is not overwritten, choose another name") from None
    except OSError as e:
        raise ToolError(f"cannot write {path}: {e.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
    except OSError as e:
        path.unlink(missing_ok=True)
        raise ToolError(f"cannot write {path}: {e.strerror}") from None


def write_pair(key: ec.EllipticCurvePrivateKey, path: Path, passphrase: bytes | None = None) -> Path:
    """Write both halves; return where the public one is. It is both or none."""
    public = public_path(path)
    for taken in (path, public):
        if taken.exists():
            raise ToolError(f"{taken} exists: a key is not overwritten, choose another name")
    write_key(key, path, passphrase)
    try:
        public.write_bytes(public_pem(key))
    except OSError as e:
        path.unlink(missing_ok=True)
        public.unlink(missing_ok=True)
        raise ToolError(f"cannot write {public}: {e.strerror}") from None
    return public


def read_key(path: Path, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """Read a private key; a passphrase is used where the key is locked, else it is not needed."""
    key = load_private(read_pem(path), path, passphrase)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ToolError(f"{path} is not a P-256 key: make one with `fumo keys new`")
    return key


def read_pem(path: Path) -> bytes:
    """Return the bytes of a file that may hold a key."""
    try:
        with path.open("rb") as file:
            data = file.read(_PEM_MOST + 1)
    except OSError as e:
        raise ToolError(f"cannot read the key {path}: {e.strerror}") from None
    if len(data) > _PEM_MOST:
        raise ToolError(f"{path} is too long for a key")
    return data


def load_private(pem: bytes, name: str | Path, passphrase: bytes | None = None):
    """Return the private key of any kind that a PEM text holds."""
    block = _PRIVATE.search(pem)  # what other tools put in front, such as EC PARAMETERS, says nothing new
    try:
        try:
            return serialization.load_pem_private_key(block[0] if block else pem, None)
        except TypeError:  # it is locked
            if not passphrase:
                raise ToolError(f"the key {name} is locked: set FUMO_PASSPHRASE") from None
            return serialization.load_pem_private_key(block[0], passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        if passphrase and block and is_locked(pem):
            raise ToolError(f"the passphrase does not open {name}") from None
        raise ToolError(f"{name} is no private key that can be opened: {e}".splitlines()[0]) from None


def is_locked(pem: bytes) -> bool:
    """Tell whether a private key wants a passphrase."""
    return b"BEGIN ENCRYPTED PRIVATE KEY" in pem or b"Proc-Type: 4,ENCRYPTED" in pem


def open_signer(text: str | Path, passphrase: bytes | None = None):
    """Open what signs: `text` is the path of a PEM file or the `pkcs11:` URI of a key in a token.

    It has `sign(data, ec.ECDSA(hashes.SHA256()))`, which gives DER, and `public_key()`.
    """
    if not pkcs11_uri.is_uri(text):
        return read_key(Path(text), passphrase)
    from flash_tools.signing.pkcs11_keys import open_token_signer

    return open_token_signer(text)


def open_public(text: str | Path, passphrase: bytes | None = None) -> bytes:
    """Return the 64 bytes of a public key: of a PEM file (public, private or certificate) or of a key in a token."""
    if not pkcs11_uri.is_uri(text):
        return read_public_key(Path(text), passphrase)
    from flash_tools.signing.pkcs11_keys import open_token_public

    return raw_public(open_token_public(text))


def read_public_key(path: Path, passphrase: bytes | None = None) -> bytes:
    """Return the 64 bytes of a public key from a PEM file: of its public half, a certificate, or the key itself."""
    pem = read_pem(path)
    public = load_public(pem)
    if public is None:
        return public_bytes(read_key(path, passphrase))
    return _p256(public, str(path))


def load_public(pem: bytes):
    """Return the public key of any kind that a PEM text or a certificate holds, None where it holds none."""
    for load in (serialization.load_pem_public_key, lambda pem: load_pem_x509_certificate(pem).public_key()):
        with suppress(ValueError, UnsupportedAlgorithm):
            return load(pem)
    return None


def read_public_pem(text: str) -> bytes:
    """Return the 64 bytes of a public key from its PEM text."""
    public = load_public(text.encode())
    if public is None:
        raise ToolError("this is no public key in PEM form: take the .pub.pem file")
    return _p256(public, "this")


def _p256(public, name: str) -> bytes:
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise ToolError(f"{name} is not a P-256 key: make one with `fumo keys new`")
    return raw_public(public)


def public_path(path: Path) -> Path:
    """Return where the public half of a private key's file belongs: one place a key, whatever the name ends with."""
    return path.with_suffix(".pub.pem") if path.suffix == ".pem" else path.with_name(path.name + ".pub.pem")


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return x and y of the public key, 64 bytes: the form a device trusts it in."""
    return raw_public(key.public_key())


def public_pem(key) -> bytes:
    """Return the public half as PEM; of a key, or of a public key itself."""
    public = key if isinstance(key, ec.EllipticCurvePublicKey) else key.public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(public: bytes) -> str:
    """Return the name that manifests call a key by."""
    return hashlib.sha256(public).hexdigest()[:16]


def raw_public(public: ec.EllipticCurvePublicKey) -> bytes:
    """Return x and y of a public key, 64 bytes."""
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)[1:]
