"""Reads update packages on the host, with the agent's own reader: what it accepts here, a device accepts."""

import binascii
import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from agent import package as fup
from agent.errors import LinkError, PackageError
from agent.manifest import Manifest
from agent.signature import open_jws
from flash_tools.errors import RefusedError, ToolError, VerifyError
from flash_tools.signing.keys import key_id
from ports.cpython_linux.signature import verify as verify_signature
from ports.cpython_linux.stretch_writer import LARGE_BLOCK

_NOT_TRUSTED = 404
_FILE_MAX = 256 << 20


@dataclass(frozen=True)
class Summary:
    """What a package says of itself, and whether it is true as far as that was looked at."""

    manifest: dict
    package_bytes: int
    blocks: int
    signature: str  # "good", or "not checked"
    image: str  # "good", or "not checked"


@dataclass(frozen=True)
class Block:
    """A block as its head describes it: where its image bytes belong, how many they are, and how many it has itself."""

    offset: int
    size: int
    packed: int
    deflated: bool
    source_at: int


@dataclass(frozen=True)
class Opened:
    """A package that was looked through; `image` is None where it was not to be kept, or could not be unpacked."""

    summary: Summary
    manifest: Manifest
    blocks: list[Block]
    image: bytes | None


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
        size = path.stat().st_size
        if size > _FILE_MAX:
            raise ToolError(f"{path} has {size} bytes: that is no package and no image for a NOR flash")
        return path.read_bytes()
    except OSError as e:
        raise ToolError(f"cannot read {path}: {e.strerror}") from None


def is_package(data: bytes) -> bool:
    """Tell whether bytes begin as a package does."""
    return data[:4] == fup.MAGIC


def inspect(data: bytes, public: bytes | None = None, old_image: bytes | None = None) -> Summary:
    """Look through a whole package; with `public` the signature is checked, the image where it can be unpacked."""
    return open_package(data, public, old_image, image_max=0).summary


def open_package(
    data: bytes, public: bytes | None = None, old_image: bytes | None = None, image_max: int = _FILE_MAX
) -> Opened:
    """Look through a whole package as `inspect` does, and keep what it holds; an image above `image_max` is let go."""
    reader, stream = fup.PackageReader(), _Bytes(data)
    try:
        manifest = _manifest(_manifest_text(reader, stream), public)
        _check_source(manifest, old_image)
        reader.start(manifest, _Image(old_image) if old_image is not None else None, packed_max=LARGE_BLOCK)
        unpackable = manifest.encoding != "delta" or old_image is not None
        image = bytearray() if unpackable and manifest.size <= image_max else None
        blocks, digest = _blocks(reader, stream, unpackable, image)
    except PackageError as e:
        raise (RefusedError if e.code == _NOT_TRUSTED else VerifyError)(str(e)) from None
    except LinkError:
        raise VerifyError("the package is cut off: fetch or build it again") from None
    if unpackable and digest != manifest.sha256:
        raise VerifyError("the image is not the one that was signed: build the package again")
    if len(data) != manifest.package_size:
        raise VerifyError("the file is longer than the package: something was added to it")
    summary = Summary(
        _plain(manifest),
        len(data),
        len(blocks),
        "good" if public else "not checked",
        "good" if unpackable else "not checked",
    )
    heads = [_block(data, at) for at in blocks]
    return Opened(summary, manifest, heads, None if image is None else bytes(image))


def load_image(path: Path) -> tuple[bytes, Opened | None]:
    """Return the image of a file: the file itself, or what a package holds, with the package."""
    data = read_file(path)
    if not is_package(data):
        return data, None
    opened = open_package(data)
    if opened.image is None:
        raise ToolError(f"{path} is a delta, its image is not in it: give the image or the full package")
    return opened.image, opened


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
    return unsigned(text)


def unsigned(text: bytes) -> Manifest:
    """Return what a manifest says without looking at its signature."""
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


def _blocks(reader, stream, unpackable: bool, image: bytearray | None) -> tuple[list[int], bytes]:
    """Return where the blocks begin, and the digest of what they make."""
    digest, buffer, blocks = hashlib.sha256(), memoryview(bytearray(4096)), []
    while reader.state != fup.END:
        if reader.state != fup.HAVE_BLOCK:
            reader.fill(stream)
            continue
        if not blocks or blocks[-1] != reader.offset:
            blocks.append(reader.offset)
        if not unpackable:
            reader.skip()
            continue
        count = reader.read_into(buffer)
        digest.update(buffer[:count])
        if image is not None:
            image += buffer[:count]
    return blocks, digest.digest()


def _block(data: bytes, at: int) -> Block:
    kind, _, packed, offset, size, source_at, _ = struct.unpack_from(fup.BLOCK_HEAD, data, at)
    return Block(offset, size, fup.BLOCK_HEAD_SIZE + (packed or size), kind == fup.DEFLATED, source_at)


def _plain(manifest: Manifest) -> dict:
    fields = {name: value.hex() if isinstance(value, bytes) else value for name, value in vars(manifest).items()}
    return {name: value for name, value in fields.items() if value not in (None, [])}
