"""The boot record, sector by sector: what each says, why one does not count, and which one does."""

import hashlib
import struct

from hal.boot_record import ARMED, CONFIRMED, FALLBACK, TRIED

STATES = {CONFIRMED: "confirmed", ARMED: "armed", TRIED: "tried", FALLBACK: "fallen back"}
_SECTORS, _RECORD, _NO_BANK = 3, 32, 0xFF
_MARKS = (256, 512, 768, 1024)
_MAGIC = b"FUB1"


def records(region) -> list[dict]:
    """Return what the three sectors hold; `counts` is true for the one that a device goes by."""
    size = region.erase_units[0][0]
    found = [_record(region, sector, size) for sector in range(min(_SECTORS, region.size // size))]
    valid = [record for record in found if record["valid"]]
    newest = max(valid, key=lambda record: record["sequence"], default=None)
    for record in found:
        record["counts"] = record is newest
    return found


def attempt_of(job: dict) -> int:
    """Return the number that the boot record keeps of a job's trial."""
    return (job["serial"] & 31) << 3 | job["arms"]


def _record(region, sector, size):
    cells = bytearray(size)
    region.read(sector * size, cells)
    head = bytes(cells[:_RECORD])
    why = _fault(head, cells)
    sequence, state, bank, trial, attempt = struct.unpack_from("<IBBBB", head, 4)
    found = {"sector": sector, "valid": not why, "why_not": why, "crash_marks": sum(cells[at] != 0xFF for at in _MARKS)}
    if why and head[:4] != _MAGIC:
        return found
    return {
        **found,
        "sequence": sequence,
        "state": STATES.get(state, "state %d" % state),
        "bank": bank,
        "void": cells[12] == 0,
        "trial": None if trial == _NO_BANK else trial,
        "attempt": attempt,
        "attempt_of": {"order": attempt >> 3, "arms": attempt & 7},
    }


def _fault(head, cells):
    if head == b"\xff" * _RECORD:
        return "erased" if cells.count(0xFF) == len(cells) else "no record, other bytes in the sector"
    if head[:4] != _MAGIC:
        return "it does not begin like a record"
    if hashlib.sha256(head[:16]).digest()[:16] != head[16:]:
        return "torn: its digest does not match"
    return ""
