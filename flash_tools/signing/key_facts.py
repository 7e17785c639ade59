"""What a key is, for people and for devices: its id, its public half in the forms that sources want, what is wrong with it."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from flash_tools.errors import RefusedError, ToolError, UsageError
from flash_tools.signing import keys, pkcs11_uri

FORMATS = ("hex", "raw", "pem", "c", "python")
PRIVATE, PUBLIC, CERTIFICATE, TOKEN = "private key", "public key", "certificate", "key in a token"
_P256, _OTHERS = "secp256r1", 0o077


@dataclass
class KeyFacts:
    """A key; `public` is x and y where it is of P-256, `problems` are lines about what should be mended."""

    name: str
    form: str
    curve: str = ""
    locked: bool = False
    kid: str | None = None
    public: str | None = None
    problems: list[str] = field(default_factory=list)
    token: dict | None = None


def examine(text: str | Path, passphrase: bytes | None = None) -> KeyFacts:
    """Look at a key of any form; one that is locked is told of by the public half beside it."""
    return _in_token(text) if pkcs11_uri.is_uri(text) else _in_file(Path(text), passphrase)


def public_of(text: str | Path, passphrase: bytes | None = None) -> bytes:
    """Return the 64 bytes that a device trusts, of a key that signs for devices; RefusedError for any other."""
    facts = examine(text, passphrase)
    if facts.public is None:
        raise RefusedError(facts.problems[0] if facts.problems else f"{text} shows no public key")
    return bytes.fromhex(facts.public)


def render(public: bytes, form: str) -> bytes:
    """Return a public key as a source, a script or another tool wants it."""
    if form not in FORMATS:
        raise UsageError(f"a public key is shown as {', '.join(FORMATS)}, not {form}")
    if form == "raw":
        return public
    return {"hex": _hex, "pem": _pem, "c": _c, "python": _python}[form](public).encode()


# -- forms ------------------------------------------------------------------------------------------------------------


def _hex(public):
    return public.hex() + "\n"


def _pem(public):
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + public)
    return keys.public_pem(key).decode()


def _c(public):
    rows = ["    " + " ".join("0x%02x," % byte for byte in public[at : at + 8]) for at in range(0, len(public), 8)]
    head = "/* P-256, x and y; key id %s */" % keys.key_id(public)
    return "\n".join([head, "const unsigned char fumo_key[%d] = {" % len(public), *rows, "};", ""])


def _python(public):
    rows = ['    b"%s"' % "".join("\\x%02x" % byte for byte in public[at : at + 16]) for at in range(0, 64, 16)]
    return "\n".join(["KEY = (  # P-256, x and y", '    "%s",' % keys.key_id(public), *rows, ")", ""])


# -- where they are ---------------------------------------------------------------------------------------------------


def _in_file(path, passphrase):
    pem = keys.read_pem(path)
    public = keys.load_public(pem)
    if public is not None:
        facts = KeyFacts(str(path), CERTIFICATE if b"BEGIN CERTIFICATE" in pem else PUBLIC)
        return _describe(facts, public)
    facts = KeyFacts(str(path), PRIVATE, locked=keys.is_locked(pem))
    facts.problems += file_problems(path)
    if facts.locked and not passphrase:
        return _beside(facts, path)
    return _describe(facts, keys.load_private(pem, path, passphrase).public_key())


def _beside(facts, path):
    """Tell of a locked key what its public half says, which nothing proves to belong to it."""
    public = keys.public_path(path)
    if not public.exists():
        raise ToolError(f"the key {path} is locked: set FUMO_PASSPHRASE, or name its public half")
    _describe(facts, keys.load_public(keys.read_pem(public)))
    facts.problems.append(f"the key is locked: this is what {public} says of it, set FUMO_PASSPHRASE to be sure")
    return facts


def _describe(facts, public):
    if not isinstance(public, ec.EllipticCurvePublicKey):
        kind = type(public).__name__.strip("_").removesuffix("PublicKey") if public is not None else "unreadable"
        facts.curve = f"none ({kind})"
    else:
        facts.curve = public.curve.name
    if facts.curve != _P256:
        facts.problems.insert(0, f"{facts.name} is not a P-256 key, no device takes it: make one with `fumo keys new`")
        return facts
    point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)[1:]
    facts.public, facts.kid = point.hex(), keys.key_id(point)
    return facts


def file_problems(path: Path) -> list[str]:
    """Return what is wrong with where a private key lies."""
    found, info, folder = [], path.stat(), path.resolve().parent.stat()
    if info.st_mode & _OTHERS:
        found.append("others than its owner may use %s (mode %03o): chmod 600 it" % (path, info.st_mode & 0o777))
    if hasattr(os, "getuid") and info.st_uid not in (os.getuid(), 0):
        found.append(f"{path} belongs to another user, who can change it")
    if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
        found.append(f"everybody may replace {path}: its folder is writable for all")
    return found


def _in_token(text):
    uri = pkcs11_uri.parse(text)
    from flash_tools.signing import pkcs11_keys

    if not uri.pin():
        facts = KeyFacts(str(uri), TOKEN, locked=True)
        return _describe(facts, pkcs11_keys.open_token_public(text))
    with pkcs11_keys.open_token_signer(text) as signer:
        facts = _describe(KeyFacts(str(uri), TOKEN, locked=True, token=signer.facts()), signer.public_key())
    if facts.token["extractable"]:
        facts.problems.append("the token lets this key leave: make another one in it with `fumo keys new`")
    return facts
