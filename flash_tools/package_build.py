"""Builds update packages: a signed manifest in front, restartable blocks behind. The format is docs/package.md."""

import base64
import hashlib
import json
import struct
import time
import zlib
from binascii import crc32
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from agent.inflate import WINDOW_BITS
from agent.manifest import BLOCK_BUFFER, KINDS
from agent.package import (
    BLOCK_HEAD,
    BLOCK_HEAD_SIZE,
    BLOCK_OUT,
    DEFLATED,
    DELTA_OUT,
    HEAD_SIZE,
    MAGIC,
    SECTOR,
    STORED,
)
from agent.signature import MAX_PAYLOAD
from flash_tools.errors import ToolError
from flash_tools.keys import key_id, public_bytes


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
    if not SECTOR <= packed_max <= BLOCK_BUFFER:
        raise ToolError(
            f"packed blocks of {packed_max} bytes: use {SECTOR} (a stored block) to {BLOCK_BUFFER} (a device)"
        )
    blocks = _blocks(image, encoding, old_image, packed_max)
    fields = _image_fields(image, target, encoding, packed_max)
    fields["built"] = int(time.time()) if built is None else built
    if old_image is not None and encoding == "delta":
        fields |= {"source_size": len(old_image), "source_sha256": hashlib.sha256(old_image).hexdigest()}
    if revoked:
        fields["revoked"] = list(revoked)
    return _assemble(fields, blocks, key)


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


def _blocks(image: bytes, encoding: str, old_image: bytes | None, packed_max: int) -> bytes:
    if encoding == "delta":
        from flash_tools.delta_build import DeltaPlan

        if not old_image:
            raise ToolError("a delta needs the old image, and that must not be empty")
        plan = DeltaPlan(old_image, image)
        return _pack_blocks(len(image), plan.forms, plan.source_at, packed_max, DELTA_OUT)
    if encoding not in ("none", "deflate"):
        raise ToolError(f"there is no encoding {encoding}: use none, deflate or delta")
    most = SECTOR if encoding == "none" else BLOCK_OUT
    return _pack_blocks(len(image), lambda start, end: (image[start:end],), lambda start: 0, packed_max, most)


def _pack_blocks(size: int, forms, source_at, packed_max: int, most: int) -> bytes:
    """Cut the image into blocks of at most `most` bytes; `forms(start, end)` gives what a block may unpack to."""
    out, start = [], 0
    while start < size:
        end, kind, packed = _largest_block(start, min(size, start + most), forms, packed_max)
        head = struct.pack("<BBHIII", kind, 0, len(packed), start, end - start, source_at(start))
        out.append(head + struct.pack("<I", crc32(packed, crc32(head))) + packed)
        start = end
    return b"".join(out)


def _largest_block(start: int, limit: int, forms, packed_max: int) -> tuple[int, int, bytes]:
    """Return (end, kind, packed bytes) of the longest block that a device can buffer; longer ones are never smaller."""
    least, most = 0, -(-(limit - start) // SECTOR)
    best = None
    while least < most:
        sectors = (least + most + 1) // 2
        end = min(start + sectors * SECTOR, limit)
        kind, packed = min(map(_packed, forms(start, end)), key=lambda found: len(found[1]))
        if len(packed) <= packed_max:
            least, best = sectors, (end, kind, packed)
        else:
            most = sectors - 1
    if not best:
        raise ToolError("a block of the delta is larger than a device can buffer: offer the full image")
    return best


def _packed(data: bytes) -> tuple[int, bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, -WINDOW_BITS, 9)
    packed = packer.compress(data) + packer.flush()
    return (DEFLATED, packed) if len(packed) < len(data) else (STORED, data)


assert struct.calcsize(BLOCK_HEAD) == BLOCK_HEAD_SIZE
