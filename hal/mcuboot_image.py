"""Which MCUboot image a slot holds, if a whole one: its digest, taken from the cells and compared with the one it carries.

    header (32 bytes used), payload, protected area, unprotected area
    an area: magic, its whole length, entries; an entry: type, length, bytes

The digest covers all but the unprotected area, which holds it (type 0x10, SHA-256; others are not known here). It is also what
the target calls the image by when it is asked over SMP. The signature is MCUboot's affair.
"""

import hashlib
import struct

from agent.compat import const

_MAGIC = const(0x16F3B83D)  # without its highest bit, which is asked for apart: a small int on every port
_HEAD = const(16)
_LEAST, _MOST = const(32), const(4096)  # bytes of a header
_AREA = const(4)
_MAX_AREA = const(4096)
_OPEN = const(0x6907)
_SHA256 = const(0x10)
_HASH_SIZE = const(32)
_PIECE = const(1024)


def image_hash(slot, room, feed):
    """Return the image's SHA-256, None where the first `room` bytes of the slot hold no whole image."""
    head = bytearray(_HEAD)
    slot.read(0, head)
    low, high, _, header, protected = struct.unpack("<HHIHH", head[:12])
    if low != _MAGIC & 0xFFFF or high & 0x7FFF != _MAGIC >> 16 or not high >> 15 or not _LEAST <= header <= _MOST:
        return None
    if head[15] & 0xC0:
        return None
    end = header + protected + struct.unpack_from("<I", head, 12)[0]
    if end + _AREA > room:
        return None
    told = _told(slot, end, room)
    return told if told and told == _digest(slot, end, feed) else None


def _told(slot, at, room):
    """Return the digest that the unprotected area at `at` carries."""
    head, size = _entry(slot, at)
    end = at + size
    if head != _OPEN or not _AREA <= size <= _MAX_AREA or end > room:
        return None
    at += _AREA
    while at + _AREA <= end:
        kind, size = _entry(slot, at)
        if kind == _SHA256 and size == _HASH_SIZE and at + _AREA + size <= end:
            digest = bytearray(_HASH_SIZE)
            slot.read(at + _AREA, digest)
            return bytes(digest)
        at += _AREA + size
    return None


def _entry(slot, at):
    head = bytearray(_AREA)
    slot.read(at, head)
    return struct.unpack("<HH", head)


def _digest(slot, end, feed):
    sha, piece, at = hashlib.sha256(), bytearray(_PIECE), 0
    while at < end:
        view = memoryview(piece)[: min(_PIECE, end - at)]
        slot.read(at, view)
        sha.update(view)
        at += len(view)
        feed()
    return sha.digest()
