"""MCUboot images: read with every sum checked, and signed through imgtool where only the bare binary is there.

    header (32 bytes used), payload, protected area, unprotected area
    an area: magic, its whole length, entries; an entry: type, length, bytes

The digest covers all but the unprotected area, which holds it, the hash of the signer's key, and the signature. All arithmetic is
done before anything is believed: a device has 32 bits for it.
"""

import contextlib
import hashlib
import io
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from flash_tools.errors import ToolError, UsageError
from hal import boot_mcuboot

MAGIC = b"\x3d\xb8\xf3\x96"
_HEAD = struct.Struct("<IIHHIIBBHII")
_AREA = struct.Struct("<HH")
_PROTECTED, _OPEN = 0x6908, 0x6907
_HEADER_MAX = 0x1000
_KEY_HASH, _SHA256, _ECDSA, _COUNTER = 0x01, 0x10, 0x22, 0x50
_ONCE = (_KEY_HASH, 0x02, 0x10, 0x11, 0x12, 0x20, 0x22, 0x23, 0x24, 0x25, _COUNTER)
_TYPES = {
    0x01: "key hash", 0x02: "public key", 0x10: "SHA-256", 0x11: "SHA-384", 0x12: "SHA-512", 0x20: "RSA-2048", 0x22: "ECDSA",
    0x23: "RSA-3072", 0x24: "Ed25519", 0x25: "pure signature", 0x40: "dependency", 0x50: "security counter", 0x60: "boot record",
    0x74: "vendor id", 0x75: "class id",
}  # fmt: skip
_FLAGS = {0x01: "PIC", 0x04: "AES-128", 0x08: "AES-256", 0x10: "non-bootable", 0x20: "RAM load", 0x100: "ROM fixed",
          0x200: "LZMA1", 0x400: "LZMA2", 0x800: "ARM Thumb filter"}  # fmt: skip
_ENCRYPTED = 0x0C


@dataclass(frozen=True)
class Signing:
    """How a bare binary becomes an image; `slot_size` 0: nobody says how large the slot is."""

    key: object  # what keys.open_signer gives
    version: str
    header_size: int = 0x200
    slot_size: int = 0
    align: int = 8
    counter: int | None = None


class PublicKey:
    """The public half of a key, where only signatures are to be checked: 64 bytes, as keys.open_public gives it."""

    def __init__(self, raw: bytes):
        self._key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + raw)

    def public_key(self):
        """Return it in the form of `cryptography`."""
        return self._key

    def sign(self, data, algorithm):
        """Refuse: that needs the private key."""
        raise ToolError("this is a public key: signing the MCUboot image needs the private one")


def parse(data: bytes, slot_size: int = 0, align: int = 8) -> dict:
    """Return header and entries of an image; ValueError with the reason where a bootloader would not take it."""
    if len(data) < _HEAD.size or data[:4] != MAGIC:
        raise ValueError("this is no MCUboot image: it does not begin with 3d b8 f3 96")
    _, load, header, protected, size, flags, major, minor, revision, build, _ = _HEAD.unpack_from(data)
    if not _HEAD.size <= header <= _HEADER_MAX:
        raise ValueError(
            "the MCUboot header says it has %d bytes: %d to %d are possible" % (header, _HEAD.size, _HEADER_MAX)
        )
    at = header + size
    if at + protected + _AREA.size > len(data):
        text = "the MCUboot image is cut off: header %d, payload %d and protected area %d bytes, the file has %d"
        raise ValueError(text % (header, size, protected, len(data)))
    entries = _area(data, at, _PROTECTED, True) if protected else []
    if protected and _AREA.unpack_from(data, at)[1] != protected:
        raise ValueError("the header and the protected area of the MCUboot image disagree about its size")
    end = at + protected
    entries += _area(data, end, _OPEN, False)
    whole = end + _AREA.unpack_from(data, end)[1]
    _check_end(data, whole)
    _check_slot(whole, slot_size, align)
    version = "%d.%d.%d" % (major, minor, revision) + ("+%d" % build if build else "")
    names = [name for bit, name in _FLAGS.items() if flags & bit] + ["%#x" % bit for bit in _unknown(flags)]
    found = {
        "version": version, "header_size": header, "payload_size": size, "load_address": load, "flags": names, "entries": entries,
        "security_counter": None,
    }  # fmt: skip
    return found | _digest(data, end, entries, flags)


def check_signature(data: bytes, public) -> bool:
    """Tell whether the image is signed by this key, True; by another one, False; ValueError where it should be and is not good."""
    found = parse(data)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    held = {entry["type"]: bytes.fromhex(entry["hex"]) for entry in found["entries"]}
    if held.get(_KEY_HASH) != hashlib.sha256(der).digest() and held.get(0x02) != der:
        return False
    signature, end = held.get(_ECDSA), _HEAD.unpack_from(data)
    if signature is None:
        raise ValueError("the MCUboot image names the key, and has no ECDSA signature of it")
    try:
        covered = data[: end[2] + end[4] + end[3]]
        public.verify(signature[: signature[1] + 2 if len(signature) > 1 else 0], covered, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise ValueError("the signature of the MCUboot image is not good: sign it again") from None
    return True


def sign(binary: bytes, how: Signing) -> bytes:
    """Return the signed image of a bare binary, as `imgtool sign --pad-header` makes it."""
    try:
        from imgtool import image, keys
    except ImportError:
        raise ToolError("MCUboot images need imgtool: install fumo-agent[tools]") from None
    if not _HEAD.size <= how.header_size <= _HEADER_MAX:
        raise UsageError("a header of %d bytes: MCUboot's have %d to %d" % (how.header_size, _HEAD.size, _HEADER_MAX))
    made = image.Image(
        _version(how.version), how.header_size, pad_header=True, align=how.align, slot_size=how.slot_size,
        security_counter=how.counter,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder) / "image.bin"
        path.write_bytes(binary)
        try:
            made.load(str(path))
            made.create(keys.ECDSA256P1(_Signer(how.key)), "hash", None)
        except ToolError:
            raise
        except Exception as e:  # imgtool has many, click's among them
            raise ToolError("imgtool does not sign this: %s" % (str(e).splitlines() or [type(e).__name__])[0]) from None
    return bytes(made.payload)


def same_version(mine: str, theirs: str) -> bool:
    """Tell whether two texts are the same MCUboot version: 1.2 is 1.2.0+0."""
    from imgtool.version import decode_version

    try:
        return decode_version(mine) == decode_version(theirs)
    except ValueError:
        return False


class _Signer:
    """What imgtool wants of a key: the same two methods with the names it calls the arguments by."""

    def __init__(self, key):
        self._key, self.public_key = key, key.public_key

    def sign(self, data, signature_algorithm):
        return self._key.sign(data, signature_algorithm)


def _version(text):
    from imgtool.version import decode_version

    try:
        found = decode_version(text)
        struct.pack("<BBHI", *found)
    except (ValueError, struct.error):
        raise UsageError(
            f"{text!r} is no version for MCUboot: use MAJOR.MINOR.REVISION+BUILD, as 1.2.3 or 1.2.3+4"
        ) from None
    return found


def _area(data, at, magic, protected):
    name = "protected" if protected else "unprotected"
    if at + _AREA.size > len(data) or _AREA.unpack_from(data, at)[0] != magic:
        raise ValueError("the MCUboot image has no %s area where its header says it is" % name)
    end = at + _AREA.unpack_from(data, at)[1]
    at += _AREA.size
    if not at <= end <= len(data):
        raise ValueError("the %s area of the MCUboot image is cut off" % name)
    entries = []
    while at < end:
        kind, size = _AREA.unpack_from(data, at) if at + _AREA.size <= end else (0, end)
        at += _AREA.size
        if at + size > end:
            raise ValueError("an entry of the MCUboot image reaches out of its area")
        content = data[at : at + size].hex()
        entries.append({"type": kind, "name": _TYPES.get(kind, "%#06x" % kind), "protected": protected, "hex": content})
        at += size
    return entries


def _digest(data, end, entries, flags):
    held = {}
    for entry in entries:
        if entry["type"] in _ONCE and entry["type"] in held:
            raise ValueError("the MCUboot image has two entries %s" % entry["name"])
        held.setdefault(entry["type"], entry)
    if _SHA256 not in held or held[_SHA256]["protected"]:
        raise ValueError("the MCUboot image has no SHA-256: sign it with imgtool's --sha 256")
    facts = {"digest": "not checked"}
    if not flags & _ENCRYPTED:  # of an encrypted one the digest is that of the plain bytes
        if hashlib.sha256(data[:end]).hexdigest() != held[_SHA256]["hex"]:
            raise ValueError("the digest of the MCUboot image does not fit it: it was changed or damaged")
        facts["digest"] = "good"
    counter = held.get(_COUNTER)
    if counter and len(counter["hex"]) == 8:
        facts["security_counter"] = int.from_bytes(bytes.fromhex(counter["hex"]), "little")
    return facts


def _check_end(data, end):
    rest = data[end:]
    if not rest:
        return
    if set(rest[:16]) == {0xFF} and len(rest) > 32:
        raise ValueError(
            "the MCUboot image is padded to its slot: sign it without --pad, the device writes the trailer"
        )
    raise ValueError("the MCUboot image has %d bytes behind its end" % len(rest))


def _check_slot(size, slot_size, align):
    room = slot_size and slot_room(slot_size, align)
    if slot_size and size > room:
        raise ValueError("the MCUboot image has %d bytes, the slot room for %d beside its trailer" % (size, room))


def slot_room(slot_size: int, align: int) -> int:
    """Return how large an image may be in a slot: its trailer has sectors of its own."""
    try:
        return boot_mcuboot.McubootSlot(_Geometry(slot_size), align).room
    except Exception as e:  # FlashError, in the words of the device
        raise UsageError("a slot of %d bytes with alignment %d: %s" % (slot_size, align, e)) from None


class _Geometry:
    erase_units, page, program_unit = ((4096, 0),), 256, 1

    def __init__(self, size):
        self.size = size


def _unknown(flags):
    return [1 << bit for bit in range(32) if flags >> bit & 1 and 1 << bit not in _FLAGS]
