"""Images for ESP32 chips (.bin of esptool, idf.py or a MicroPython build): looked at before they are offered to a device.

A header of 24 bytes with magic e9, segments, one byte of checksum at the end of a block of 16, and usually SHA-256 of all that.
"""

import hashlib
import struct
from functools import reduce
from operator import xor

MAGIC = 0xE9
_HEAD = struct.Struct("<BBBBIB3sHBHH4sB")
_SEGMENT = struct.Struct("<II")
_APP = struct.Struct("<II8s32s32s16s16s32s32s")
_APP_MAGIC = 0xABCD5432
_SEED = 0xEF  # of the checksum
_SEGMENTS = 16
CHIPS = {0: "ESP32", 2: "ESP32-S2", 5: "ESP32-C3", 9: "ESP32-S3", 12: "ESP32-C2", 13: "ESP32-C6", 16: "ESP32-H2",
         18: "ESP32-P4", 20: "ESP32-C61", 23: "ESP32-C5"}  # fmt: skip


def parse(data: bytes) -> dict:
    """Return what the image says of itself, with all sums checked; ValueError with the reason where it is damaged."""
    if len(data) < _HEAD.size or data[0] != MAGIC:
        raise ValueError("this is no ESP image: it does not begin with e9")
    fields = _HEAD.unpack_from(data)
    count, entry, chip, has_digest = fields[1], fields[4], fields[7], fields[12]
    if not 0 < count <= _SEGMENTS:
        raise ValueError("the ESP image says it has %d segments, 1 to %d are possible" % (count, _SEGMENTS))
    segments, at, checksum = [], _HEAD.size, _SEED
    for number in range(count):
        address, size = _segment(data, at, number)
        begin = at + _SEGMENT.size
        segments.append({"address": address, "size": size, "offset": begin})
        checksum = reduce(xor, data[begin : begin + size], checksum)
        at = begin + size
    end = at + 16 - at % 16
    if end > len(data):
        raise ValueError("the ESP image is cut off before its checksum")
    if data[end - 1] != checksum:
        raise ValueError("the checksum of the ESP image is %02x, its segments make %02x" % (data[end - 1], checksum))
    end = _digest(data, end) if has_digest == 1 else end
    found = {
        "chip": CHIPS.get(chip, "chip id %d" % chip),
        "entry": entry,
        "segments": segments,
        "sha256": has_digest == 1,
    }
    return found | {"behind": len(data) - end} | _app(data)


def _segment(data, at, number):
    if at + _SEGMENT.size > len(data):
        raise ValueError("the ESP image is cut off before segment %d" % number)
    address, size = _SEGMENT.unpack_from(data, at)
    if size > len(data) - at - _SEGMENT.size:
        raise ValueError("segment %d of the ESP image has %d bytes, the file fewer: it is cut off" % (number, size))
    return address, size


def _digest(data, end):
    if end + 32 > len(data):
        raise ValueError("the ESP image is cut off before its SHA-256")
    if hashlib.sha256(data[:end]).digest() != data[end : end + 32]:
        raise ValueError("the SHA-256 at the end of the ESP image does not fit it: it was changed or damaged")
    return end + 32


def _app(data):
    """Return what the application's description says, where there is one at the start of the first segment."""
    at = _HEAD.size + _SEGMENT.size
    if len(data) < at + _APP.size:
        return {}
    magic, secure_version, _, version, project, _, _, idf, _ = _APP.unpack_from(data, at)
    if magic != _APP_MAGIC:
        return {}
    texts = {"version": version, "project": project, "idf": idf}
    return {name: text.split(b"\0")[0].decode("utf-8", "replace") for name, text in texts.items()} | {
        "secure_version": secure_version
    }
