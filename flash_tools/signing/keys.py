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

from flash_tools import whole_file
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
    _refuse_taken(path)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    whole_file.write(path, pem, 0o600, anew=True)


def write_pair(key: ec.EllipticCurvePrivateKey, path: Path, passphrase: bytes | None = None) -> Path:
    """Write both halves; return where the public one is. It is both or none; after a kill `finish_pair` makes it both."""
    public = public_path(path)
    _refuse_taken(path, public)
    write_key(key, path, passphrase)
    try:
        whole_file.write(public, public_pem(key), anew=True)
    except ToolError:
        if not _holds(public, public_pem(key)):  # another run may have finished the pair
            path.unlink(missing_ok=True)
            raise
    return public


def _holds(path, data):
    try:
        return path.read_bytes() == data
    except OSError:
        return False


def finish_pair(path: Path, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey | None:
    """Write the public half of a private key that stands alone; return the key, None where there is nothing to finish."""
    public = public_path(path)
    if not path.is_file() or os.path.lexists(public):
        return None
    try:
        key = read_key(path, passphrase)
    except ToolError:
        return None
    whole_file.write(public, public_pem(key), anew=True)
    return key


def _refuse_taken(*paths):
    for taken in paths:
        if os.path.lexists(taken):
            raise ToolError(f"{taken} exists: a key is not overwritten, choose another name")


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
        raise ToolError(f"{name} {_why_not(pem, block, e)}") from None


def _why_not(pem, block, error):
    """Return what a file is that is no private key, or what is wrong with one."""
    if block:
        return f"is no private key that can be opened: {error}".splitlines()[0]
    if load_public(pem):
        return "is a public key: signing needs the private half, which stays with whoever makes releases"
    return "is no key in PEM form: `fumo keys new` makes one"


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
