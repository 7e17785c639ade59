"""Safe tests of a flash chip: what it says of itself, whether it says the same twice, whether addresses are told apart.

Only `write_test` writes, and only one sector: of a region that the user names, else of the blank end of the spare bank. What was
in it is put back.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from agent.errors import FlashError
from flash_tools.chips import Chip
from flash_tools.errors import ToolError, UsageError
from flash_tools.flash import flash_place
from flash_tools.flash.flash_notes import Notes
from flash_tools.flash.flash_place import Place
from hal.boot_record import BootRecord
from hal.nor_sfdp import parse
from hal.region import wraps

ID_READS = 100
_SPANS, _SPAN = 8, 4096
_BUSY, _LATCH, _PROTECTED = 1, 2, 0x1C
_PROBE = 64


@dataclass(frozen=True)
class Check:
    """One test: `ok` is None where it could not be made; the text says what was found, and what to do."""

    name: str
    ok: bool | None
    text: str


def reading(chip: Chip) -> list[Check]:
    """Make the tests that only read."""
    return [*id_and_status(chip), tables(chip), twice(chip), alias(chip)]


def id_and_status(chip: Chip) -> Iterator[Check]:
    """Ask the chip a hundred times who it is and how it does."""
    if not hasattr(chip.flash, "id_and_status"):
        text = "this way to the chip does not show it"
        yield from (Check("id", None, text), Check("status", None, text))
        return
    answers = chip.flash.id_and_status(ID_READS)
    ids = {found for found, _ in answers}
    if len(ids) == 1:
        yield Check("id", True, "%s, %d times" % (answers[0][0].hex(" "), len(answers)))
    else:
        shown = ", ".join(sorted(found.hex(" ") for found in ids)[:4])
        yield Check("id", False, "%d different ids (%s): slow the bus down, check the wires" % (len(ids), shown))
    yield _status({status for _, status in answers})


def tables(chip: Chip) -> Check:
    """Compare the chip's tables with what it is taken for."""
    found = parse(_reader(chip.sfdp)) if chip.sfdp else None
    if not found:
        return Check("tables", None, "the chip has no SFDP tables that can be read")
    if found.size != chip.flash.size:
        text = "the tables say %d bytes, the chip is taken for %d: it is a clone, do not use it"
        return Check("tables", False, text % (found.size, chip.flash.size))
    units = {size for size, *_ in found.erases}
    odd = [size for size, _ in chip.flash.erase_units if size not in units]
    if odd and chip.target.kind != "mtd":
        return Check("tables", False, "the tables have no erase of %s bytes: add the chip to hal/nor_chips.py" % odd[0])
    return Check("tables", True, "SFDP %d.%d, %d bytes" % (chip.sfdp[5], chip.sfdp[4], found.size))


def twice(chip: Chip) -> Check:
    """Read some sectors twice."""
    step = max(chip.flash.size // _SPANS // _SPAN * _SPAN, _SPAN)
    for addr in range(0, chip.flash.size, step):
        first, second = bytearray(_SPAN), bytearray(_SPAN)
        chip.flash.read(addr, first)
        chip.flash.read(addr, second)
        if first != second:
            return Check("reads", False, "0x%x reads differently each time: slow the bus down, check the wires" % addr)
    return Check("reads", True, "%d sectors read the same twice" % len(range(0, chip.flash.size, step)))


def alias(chip: Chip) -> Check:
    """Look for the boot record at a second address: then the chip is smaller than it says."""
    addr = _landmark(chip)
    if addr is None:
        return Check("addresses", None, "no boot record by which addresses can be told apart: make the write test")
    if wraps(chip.flash, addr, _PROBE):
        text = "what is at 0x%x appears at a second address: the chip is smaller than %d bytes, check the part"
        return Check("addresses", False, text % (addr, chip.flash.size))
    return Check("addresses", True, "what is at 0x%x is there only" % addr)


def write_test(chip: Chip, region: str | None = None) -> Check:
    """Erase, program and erase one sector, and put back what was in it; the chip must have been opened to write."""
    try:
        place = _of_region(chip, region) if region else _spare(chip)
    except ToolError as e:
        return Check("write", None if isinstance(e, UsageError) else False, str(e))
    old, notes = bytearray(place.size), Notes(chip.target)
    chip.flash.read(place.start, old)
    notes.suspect(place.start, place.end)
    wrong = "it was interrupted"
    try:
        wrong = _try_cells(chip.flash, place.start, place.size)
    except (FlashError, ToolError) as e:
        wrong = str(e)
    finally:  # a Ctrl-C must not cost what was there
        lost = _put_back(chip, place, old, notes)
    if lost:
        return Check("write", False, "0x%x could not be put back: %s" % (place.start, wrong or lost))
    return Check("write", not wrong, wrong or "0x%x was erased, written, read, and put back" % place.start)


def _put_back(chip, place, old, notes):
    """Return why that is not possible, nothing where all is as it was."""
    try:
        _restore(chip.flash, place.start, old)
    except (FlashError, ToolError) as e:
        return str(e)
    notes.trust(place.start, place.end)
    if not notes.job:
        notes.end()
    return ""


# -- where ------------------------------------------------------------------------------------------------------------


def _of_region(chip, name):
    place = flash_place.find(chip, name)
    flash_place.guard(chip, place)
    sector = chip.flash.erase_units[0][0]
    return Place(name, place.end - sector, sector)


def _spare(chip):
    """Return the last sector of the spare bank if it is blank: nothing that anybody needs can be there."""
    name = flash_place.other_bank(chip)
    if not name:
        raise UsageError("no bank is known to be spare: name a region to write into")
    place = _of_region(chip, name)
    cells = bytearray(place.size)
    chip.flash.read(place.start, cells)
    if cells != b"\xff" * place.size:
        raise UsageError("the spare bank is full to its end: name a region to write into")
    return place


def _landmark(chip):
    """Return where the newest boot record is: alone of what is on a flash it occurs nowhere else by right."""
    try:
        region = chip.regions().get("boot")
    except ToolError:
        return None
    record = BootRecord(region) if region else None
    return region.start + record.probe() if record and record.found else None


# -- the write test ---------------------------------------------------------------------------------------------------


def _try_cells(flash, addr, sector):
    """Return what is wrong, nothing where all is well."""
    flash.erase(addr, sector)
    if _cells(flash, addr, sector) != b"\xff" * sector:
        return "0x%x is not blank after an erase: replace the flash" % addr
    pattern = os.urandom(sector)
    _program(flash, addr, pattern)
    if _cells(flash, addr, sector) != pattern:
        return "0x%x does not hold what was written: check the supply, or replace the flash" % addr
    if wraps(flash, addr, _PROBE):
        return "what was written at 0x%x appears at a second address: the chip is smaller than %d bytes" % (
            addr,
            flash.size,
        )
    flash.program(addr, b"\x00" * 16)
    if _cells(flash, addr, sector) != b"\x00" * 16 + pattern[16:]:
        return "0x%x cannot be written a second time without an erase: the journal needs that" % addr
    return ""


def _restore(flash, addr, old):
    flash.erase(addr, len(old))
    _program(flash, addr, bytes(old))
    if _cells(flash, addr, len(old)) != old:
        raise FlashError("it does not hold what was there before")


def _program(flash, addr, data):
    for at in range(0, len(data), flash.page):
        page = data[at : at + flash.page]
        if page != b"\xff" * len(page):
            flash.program(addr + at, page)


def _cells(flash, addr, size):
    cells = bytearray(size)
    flash.read(addr, cells)
    return bytes(cells)


def _status(found):
    shown = ", ".join("%02x" % status for status in sorted(found))
    if 0xFF in found or len(found) > 1:
        return Check("status", False, "%s: check the wires and the supply" % shown)
    status = found.pop()
    if status & (_BUSY | _LATCH):
        return Check("status", False, "%s: the chip is busy or half way into a write; switch it off and on" % shown)
    if status & _PROTECTED:
        return Check("status", False, "%s: parts are write-protected" % shown)
    return Check("status", True, shown)


def _reader(tables):
    def read(addr, into):
        into[:] = (tables[addr : addr + len(into)] + b"\xff" * len(into))[: len(into)]

    return read
