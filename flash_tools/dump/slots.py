"""A journal, copy by copy and slot by slot, however damaged: what `agent/journal.py` reads, and what it steps over.

Knows the bytes of docs/flash-format.md and not what the values mean.
"""

import struct
import zlib
from dataclasses import dataclass, field

SLOT, COPIES, MOST = 64, 3, 58
HEADER, CLEAN, FORMAT = 0xF0, 0xF1, 1
_MORE = 0x80
_BLANK = b"\xff" * SLOT


@dataclass
class Value:
    """One value of a key: `slots` from `slot` on, `whole` where all of them are."""

    key: int
    slot: int
    data: bytes
    tail: bytes = b""  # tallied behind it
    appended: bool = False
    whole: bool = True


@dataclass
class Copy:
    """One of the three copies."""

    number: int
    slots: int
    revision: int | None = None
    snapshot_slots: int = 0
    why_not: str = ""  # it does not count; "" where it could
    torn: int = 0
    used: int = 0
    clean: bool = False
    counts: bool = False
    values: list[Value] = field(default_factory=list)

    def newest(self) -> dict[int, Value]:
        """Return the value of each key that counts in this copy."""
        return {value.key: value for value in self.values if value.whole and value.key != CLEAN}


def copies(region) -> list[Copy]:
    """Return the three copies of a journal; `counts` is true for the one that a device goes by."""
    size = region.size // COPIES
    found = []
    for number in range(COPIES):
        cells = bytearray(size)
        region.read(number * size, cells)
        found.append(_copy(number, bytes(cells)))
    good = [copy for copy in found if not copy.why_not]
    if good:
        # agent/journal.py: highest revision, then the higher copy
        max(good, key=lambda copy: (copy.revision, copy.number)).counts = True
    return found


def _copy(number, cells):
    copy = Copy(number, len(cells) // SLOT - 1)
    slots = [cells[at : at + SLOT] for at in range(0, len(cells) - SLOT + 1, SLOT)]
    _read_header(copy, slots)
    _read_values(copy, slots)
    return copy


def _read_header(copy, slots):
    head = slots[0] if slots else _BLANK
    if all(slot == _BLANK for slot in slots):
        copy.why_not = "erased"
    elif not _is_whole(head) or head[0] != HEADER:
        copy.why_not = "its header was never written" if head == _BLANK else "torn: its header is broken"
    elif head[2] != FORMAT:
        copy.why_not = "its format is %d" % head[2]
    else:
        copy.revision, count, crc = struct.unpack_from("<IHI", head, 3)
        copy.snapshot_slots = count
        if count >= len(slots) or zlib.crc32(b"".join(slots[1 : count + 1])) != crc:
            copy.why_not = "torn: its snapshot does not match its header"


def _read_values(copy, slots):
    inside, gap = None, False  # gap: the slot before is not whole, what follows may be the end of its value
    for at in range(1, len(slots)):
        slot = slots[at]
        if not _is_whole(slot):
            inside = _broken(inside)
            gap = slot != _BLANK
            copy.torn += gap
            copy.used, copy.clean = (at, False) if gap else (copy.used, copy.clean)
            continue
        copy.used, copy.clean = at, slot[0] == CLEAN
        if inside and inside.key == slot[0]:
            inside.data += _payload(slot)
        else:
            _broken(inside)
            inside = _begin(copy, at, slot, gap)
        inside, gap = (inside if slot[1] & _MORE else None), False
    _broken(inside)


def _begin(copy, at, slot, gap):
    """Add a value. Notes have one slot each; only in the snapshot the slot before can be a part of this one."""
    appended = at > copy.snapshot_slots
    whole = not gap or appended and copy.revision is not None
    value = Value(slot[0], at, _payload(slot), slot[2 + (slot[1] & 0x3F) : SLOT - 4], appended, whole)
    copy.values.append(value)
    return value


def _payload(slot):
    return slot[2 : 2 + (slot[1] & 0x3F)]


def _broken(inside):
    """Say that a value of many slots has an end that is missing."""
    if inside:
        inside.whole = False


def _is_whole(slot):
    length = slot[1] & 0x3F
    if slot[0] == 0xFF or length > MOST:
        return False
    return zlib.crc32(slot[: 2 + length]) == struct.unpack_from("<I", slot, SLOT - 4)[0]
