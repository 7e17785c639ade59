"""The banks: what the signed manifest beside each says, whether that is true, and how much of the bank is filled."""

import base64
import hashlib
import struct
import zlib
from dataclasses import dataclass

from agent.errors import PackageError
from agent.manifest import Manifest
from agent.signature import load_json, open_jws
from agent.sizes import MAX_JWS
from flash_tools.dump.snapshot import SECTOR
from ports.cpython_linux.signature import verify

_MAGIC, _TEXT_AT = b"FUH1", 12
_BLANK = b"\xff" * SECTOR


@dataclass
class Trust:
    """What a device trusts: `anchors` is ((key id, 64 bytes), ...)."""

    anchors: tuple
    verify: object = verify


def look(regions: dict, anchors: tuple) -> list[dict]:
    """Describe the banks; without `anchors` no signature can be checked."""
    found = []
    for number in numbers(regions):
        header, image = regions.get("header%d" % number), regions["bank%d" % number]
        found.append({"bank": number, "size": image.size, **_bank(header, image, anchors)})
    return found


def numbers(regions: dict) -> list[int]:
    """Return the numbers of the banks that a layout has."""
    return [number for number in range(10) if "bank%d" % number in regions]


def _bank(header, image, anchors):
    text, why = _header_text(header) if header else (None, "the layout has no header for it")
    found = {"header": not why, "header_why_not": why, "manifest": None, "signature": "", "image": "", **_filled(image)}
    if text is None:
        return found
    found["signature"] = _signature(text, anchors)
    try:
        manifest = Manifest.parse(_payload(text))
    except PackageError as e:
        return {**found, "header_why_not": str(e)}
    found["manifest"] = _plain(manifest)
    found["image"] = _image(image, manifest)
    return found


def _header_text(header):
    """Return (text or None, why not)."""
    cells = bytearray(_TEXT_AT + MAX_JWS)
    header.read(0, memoryview(cells)[: min(len(cells), header.size)])
    size, crc = struct.unpack_from("<II", cells, 4)
    if cells[:_TEXT_AT] == b"\xff" * _TEXT_AT:
        return None, "erased: nothing is installed here, or it is being written"
    if cells[:4] != _MAGIC:
        return None, "it does not begin with %s" % _MAGIC.decode()
    if not 0 < size <= MAX_JWS:
        return None, "it says that its text has %d bytes" % size
    text = bytes(cells[_TEXT_AT : _TEXT_AT + size])
    return (text, "") if zlib.crc32(text) == crc else (None, "torn: its CRC does not match")


def _payload(text):
    parts = text.split(b".")
    try:
        return base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4))
    except (IndexError, ValueError):
        raise PackageError("the manifest is no JWS") from None


def _signature(text, anchors):
    if not anchors:
        return "not checked: no key is known"
    try:
        open_jws(text, anchors, verify)
    except PackageError as e:
        return "bad: %s" % e
    return "good"


def key_id_of(header) -> str:
    """Return the name of the key that a manifest says it is signed with, "" where there is none."""
    text, _ = _header_text(header)
    try:
        head = (text or b"").split(b".")[0]
        return str(load_json(base64.urlsafe_b64decode(head + b"=" * (-len(head) % 4))).get("kid", ""))
    except (PackageError, ValueError, AttributeError):
        return ""


def _plain(manifest):
    fields = {name: value.hex() if isinstance(value, bytes) else value for name, value in vars(manifest).items()}
    return {name: value for name, value in fields.items() if value not in (None, [])}


def _image(image, manifest):
    if manifest.size > image.size:
        return "bad: the manifest says %d bytes, the bank has %d" % (manifest.size, image.size)
    digest, cells = hashlib.sha256(), bytearray(SECTOR)
    for at in range(0, manifest.size, SECTOR):
        piece = memoryview(cells)[: min(SECTOR, manifest.size - at)]
        image.read(at, piece)
        digest.update(piece)
    return "good" if digest.digest() == manifest.sha256 else "bad: its digest is not that of the manifest"


def _filled(image):
    """Return how many sectors are not erased, and where the last one ends."""
    filled = end = 0
    cells = bytearray(SECTOR)
    for at in range(0, image.size, SECTOR):
        image.read(at, cells)
        if cells != _BLANK:
            filled, end = filled + SECTOR, at + SECTOR
    return {"blank": not filled, "filled_bytes": filled, "filled_to": end}
