"""Builds update packages: a signed manifest in front, restartable blocks behind. The format is docs/package.md."""

import base64
import hashlib
import json
import struct
import time
import zlib
from binascii import crc32
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from agent.manifest import KINDS
from agent.package import (
    BLOCK_HEAD,
    BLOCK_HEAD_SIZE,
    DEFLATED,
    HEAD_SIZE,
    MAGIC,
    SECTOR,
    STORED,
)
from agent.signature import MAX_PAYLOAD
from agent.sizes import BLOCK_BUFFER, BLOCK_OUT, DELTA_OUT, WINDOW_BITS
from flash_tools.errors import ToolError
from flash_tools.signing.keys import key_id, public_bytes
from ports.cpython_linux.stretch_writer import LARGE_BLOCK


@dataclass(frozen=True)
class Target:
    """For which devices a package is, and what it calls itself."""

    product: str
    models: Sequence[str]
    layout: str
    version: str
    counter: int
    kind: str = "raw"


def build_package(
    image: bytes,
    target: Target,
    key: ec.EllipticCurvePrivateKey,
    *,
    encoding: str = "deflate",
    old_image: bytes | None = None,
    packed_max: int = SECTOR,
    built: int | None = None,
    revoked: Sequence[str] = (),
) -> bytes:
    """Return a whole package; `old_image` is what a delta is made against."""
    if not image:
        raise ToolError("the image is empty")
    if len(target.layout) != 16 or set(target.layout) - set("0123456789abcdef"):
        raise ToolError(
            f"{target.layout!r} is no layout hash: 16 hexadecimal digits, as the device or its board file shows them"
        )
    if target.kind not in KINDS:
        raise ToolError(f"there is no kind {target.kind}: use one of {', '.join(KINDS)}")
    if not SECTOR <= packed_max <= BLOCK_BUFFER and packed_max != LARGE_BLOCK:
        raise ToolError(
            f"packed blocks of {packed_max} bytes: use {SECTOR} (a stored block) to {BLOCK_BUFFER} (a microcontroller), "
            f"or {LARGE_BLOCK} (a Linux board whose banks are files or partitions)"
        )
    blocks = _blocks(image, encoding, old_image, packed_max)
    if encoding == "delta":  # a device then needs no more than that
        packed_max = max(map(len, blocks)) - BLOCK_HEAD_SIZE
    fields = _image_fields(image, target, encoding, packed_max)
    fields["built"] = int(time.time()) if built is None else built
    if old_image is not None and encoding == "delta":
        fields |= {"source_size": len(old_image), "source_sha256": hashlib.sha256(old_image).hexdigest()}
    if revoked:
        fields["revoked"] = list(revoked)
    return _assemble(fields, b"".join(blocks), key)


def blocks_size(image: bytes, encoding: str = "deflate", old_image: bytes | None = None) -> int:
    """Return how many bytes the blocks of an image take; nothing is signed for that."""
    return sum(map(len, _blocks(image, encoding, old_image, SECTOR)))


def _image_fields(image: bytes, target: Target, encoding: str, packed_max: int) -> dict:
    return {
        "product": target.product,
        "models": list(target.models),
        "layout": target.layout,
        "version": target.version,
        "counter": target.counter,
        "kind": target.kind,
        "size": len(image),
        "sha256": hashlib.sha256(image).hexdigest(),
        "encoding": encoding,
        "packed_max": packed_max,
    }


def sign_jws(payload: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return `payload` as a JWS compact string, ES256."""
    header = {"alg": "ES256", "kid": key_id(public_bytes(key))}
    text = _base64url(json.dumps(header, separators=(",", ":")).encode()) + b"." + _base64url(payload)
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return text + b"." + _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _assemble(fields: dict, blocks: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Sign the manifest; the package's size stands in it, so its own length has to be found first."""
    size = 0
    while True:
        payload = json.dumps(fields | {"package_size": size}, separators=(",", ":")).encode()
        if len(payload) > MAX_PAYLOAD:
            raise ToolError(f"the manifest would be {len(payload)} bytes, at most {MAX_PAYLOAD} are allowed")
        text = sign_jws(payload, key)
        whole = HEAD_SIZE + len(text) + len(blocks)
        if whole == size:
            return MAGIC + struct.pack("<I", len(text)) + text + blocks
        size = whole


def _blocks(image: bytes, encoding: str, old_image: bytes | None, packed_max: int) -> list[bytes]:
    if encoding == "delta":
        from flash_tools.packages.delta_build import DeltaPlan

        if not old_image:
            raise ToolError("a delta needs the old image, and that must not be empty")
        plan = DeltaPlan(old_image, image)
        return list(_pack_blocks(len(image), plan, _DELTA, BLOCK_BUFFER))
    if encoding not in ("none", "deflate"):
        raise ToolError(f"there is no encoding {encoding}: use none, deflate or delta")
    large = packed_max > BLOCK_BUFFER
    if encoding == "none":
        cut = _Cut(0, LARGE_BLOCK, LARGE_BLOCK) if large else _PLAIN
    else:
        cut = _LARGE_DEFLATED if large else _Cut(_SMALL_WINDOW, min(_SMALL, packed_max), BLOCK_OUT)
    return list(_pack_blocks(len(image), _Whole(image), cut, packed_max))


@dataclass(frozen=True)
class _Cut:
    """How blocks are cut: the window of the packer (0: none), how many packed bytes are wanted, and image bytes allowed."""

    window: int
    packed: int
    most: int


_PLAIN = _Cut(0, SECTOR, SECTOR)
_LARGE_DEFLATED = _Cut(WINDOW_BITS, 32768, 131072)
_SMALL_WINDOW, _SMALL = 11, 2048  # half the memory for a hundredth more of bytes
_DELTA = _Cut(_SMALL_WINDOW, _SMALL, DELTA_OUT)


class _Whole:
    """The plan of an image that stands for itself."""

    def __init__(self, image: bytes) -> None:
        self._image = image

    def forms(self, start: int, end: int) -> tuple[bytes]:
        return (self._image[start:end],)

    def source_at(self, start: int) -> int:
        return 0


def _pack_blocks(size: int, plan, cut: _Cut, packed_max: int) -> Iterator[bytes]:
    """Cut the image into blocks; `plan.forms(start, end)` gives what a block may unpack to."""
    start = 0
    while start < size:
        limit = min(size, start + cut.most)
        block = _largest_block(start, limit, plan, cut.window, cut.packed)
        block = block or _largest_block(start, min(start + SECTOR, limit), plan, cut.window, packed_max)
        if not block:
            raise ToolError("a block of the delta is larger than a device can buffer: offer the full image")
        end, kind, packed = block
        window = 0 if kind == STORED or cut.window == WINDOW_BITS else cut.window
        count = len(packed) if len(packed) <= 0xFFFF else 0  # a stored block: its image bytes say it
        head = struct.pack("<BBHIII", kind, window, count, start, end - start, plan.source_at(start))
        yield head + struct.pack("<I", crc32(packed, crc32(head))) + packed
        start = end


def _largest_block(start: int, limit: int, plan, window: int, wanted: int) -> tuple[int, int, bytes] | None:
    """Return (end, kind, packed bytes) of the longest block that packs into so many bytes; longer ones are never smaller."""
    least, most, best = 0, -(-(limit - start) // SECTOR), None
    while least < most:
        sectors = (least + most + 1) // 2
        end = min(start + sectors * SECTOR, limit)
        found = [_packed(data, window) for data in plan.forms(start, end)]
        kind, packed = min(found, key=lambda each: len(each[1]))
        if len(packed) <= wanted:
            least, best = sectors, (end, kind, packed)
        else:
            most = sectors - 1
    return best


def _packed(data: bytes, window: int) -> tuple[int, bytes]:
    if not window:
        return STORED, data
    packer = zlib.compressobj(9, zlib.DEFLATED, -window, 9)
    packed = packer.compress(data) + packer.flush()
    return (DEFLATED, packed) if len(packed) < len(data) else (STORED, data)


assert struct.calcsize(BLOCK_HEAD) == BLOCK_HEAD_SIZE
