"""Reads update packages on the host, with the agent's own reader: what it accepts here, a device accepts."""

import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path

from agent import package as fup
from agent.errors import LinkError, PackageError
from agent.manifest import Manifest
from agent.signature import open_jws
from flash_tools.errors import RefusedError, ToolError, VerifyError
from flash_tools.keys import key_id
from ports.cpython_linux.signature import verify as verify_signature

_NOT_TRUSTED = 404


@dataclass(frozen=True)
class Summary:
    """What a package says of itself, and whether it is true as far as that was looked at."""

    manifest: dict
    package_bytes: int
    blocks: int
    signature: str  # "good", or "not checked"
    image: str  # "good", or "not checked"


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = memoryview(data), 0

    def read_into(self, into) -> int:
        count = min(len(into), len(self._data) - self._at)
        into[:count] = self._data[self._at : self._at + count]
        self._at += count
        return count


class _Image:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, addr: int, into) -> None:
        into[:] = self._data[addr : addr + len(into)]


def read_file(path: Path) -> bytes:
    """Return a file's bytes."""
    try:
        return path.read_bytes()
    except OSError as e:
        raise ToolError(f"cannot read {path}: {e.strerror}") from None


def inspect(data: bytes, public: bytes | None = None, old_image: bytes | None = None) -> Summary:
    """Look through a whole package; with `public` the signature is checked, the image where it can be unpacked."""
    reader, stream = fup.PackageReader(), _Bytes(data)
    try:
        manifest = _manifest(_manifest_text(reader, stream), public)
        _check_source(manifest, old_image)
        reader.start(manifest, _Image(old_image) if old_image is not None else None)
        unpackable = manifest.encoding != "delta" or old_image is not None
        blocks, digest = _blocks(reader, stream, unpackable)
    except PackageError as e:
        raise (RefusedError if e.code == _NOT_TRUSTED else VerifyError)(str(e)) from None
    except LinkError:
        raise VerifyError("the package is cut off: fetch or build it again") from None
    if unpackable and digest != manifest.sha256:
        raise VerifyError("the image is not the one that was signed: build the package again")
    if len(data) != manifest.package_size:
        raise VerifyError("the file is longer than the package: something was added to it")
    return Summary(
        _plain(manifest),
        len(data),
        blocks,
        "good" if public else "not checked",
        "good" if unpackable else "not checked",
    )


def manifest_text(data: bytes) -> bytes:
    """Return the signed manifest of a package as it stands there."""
    try:
        return _manifest_text(fup.PackageReader(), _Bytes(data))
    except (PackageError, LinkError) as e:
        raise VerifyError(str(e)) from None


def _manifest_text(reader, stream) -> bytes:
    while reader.state != fup.HAVE_MANIFEST:
        reader.fill(stream)
    return bytes(reader.manifest_text)


def _manifest(text: bytes, public: bytes | None) -> Manifest:
    if public:
        return Manifest.parse(open_jws(text, ((key_id(public), public),), verify_signature))
    parts = text.split(b".")
    if len(parts) != 3:
        raise PackageError("the manifest is not a JWS compact string")
    try:
        payload = binascii.a2b_base64(parts[1].replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(parts[1]) % 4))
    except ValueError:
        raise PackageError("the manifest is not base64url") from None
    return Manifest.parse(payload)


def _check_source(manifest: Manifest, old_image: bytes | None) -> None:
    if manifest.encoding != "delta" or old_image is None:
        return
    if len(old_image) != manifest.source_size or hashlib.sha256(old_image).digest() != manifest.source_sha256:
        raise RefusedError("the old image is not the one that the delta starts from: give that one")


def _blocks(reader, stream, unpackable: bool) -> tuple[int, bytes]:
    digest, buffer, blocks = hashlib.sha256(), memoryview(bytearray(4096)), 0
    while reader.state != fup.END:
        if reader.state != fup.HAVE_BLOCK:
            reader.fill(stream)
        elif not unpackable:
            reader.skip()
            blocks += 1
        else:
            count = reader.read_into(buffer)
            digest.update(buffer[:count])
            blocks += not count
    return blocks, digest.digest()


def _plain(manifest: Manifest) -> dict:
    fields = {name: value.hex() if isinstance(value, bytes) else value for name, value in vars(manifest).items()}
    return {name: value for name, value in fields.items() if value not in (None, [])}
