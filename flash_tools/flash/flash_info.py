"""What a chip is and what is on it, region by region: looked at, never written, and believed no further than it can be read."""

import hashlib
import json
from dataclasses import dataclass

from agent import factory
from agent.control import glance
from flash_tools.chips import Chip
from flash_tools.flash import flash_place
from flash_tools.flash.flash_notes import Notes
from flash_tools.flash.flash_plan import times
from hal.boot_record import ARMED, FALLBACK
from hal.hardware import Bank
from hal.nor_sfdp import parse

_PIECE = 65536


@dataclass(frozen=True)
class Part:
    """A region; `used` are its sectors that are not blank, in bytes."""

    name: str
    start: int
    size: int
    used: int
    holds: str


def chip_facts(chip: Chip) -> dict:
    """Return what the chip says of itself."""
    flash, clocks = chip.flash, times(chip)
    return {
        "name": chip.name,
        "jedec_id": chip.jedec_id.hex(" ") if chip.jedec_id else None,
        "size": flash.size,
        "page": flash.page,
        "erase_units": [
            {"size": size, "typical_ms": clocks.erase_ms[size] if chip.sfdp else None, "max_ms": most}
            for size, most in flash.erase_units
        ],
        "page_program_us": clocks.page_us if chip.sfdp else None,
        "sfdp": _sfdp(chip.sfdp),
    }


def parts(chip: Chip) -> list[Part]:
    """Return the regions in the order of their addresses."""
    regions = chip.regions()
    ordered = sorted(chip.layout, key=lambda part: part[1])
    return [_part(chip, name, start, regions) for name, start, _ in ordered]


def unfinished(chip: Chip) -> str | None:
    """Return the job that was cut on this chip, as this host remembers it."""
    return Notes(chip.target).job or None


def version(region) -> str | None:
    """Return the version in a bank's header; its signature is not looked at."""
    manifest = glance(Bank(None, region))
    return manifest.version if manifest else None


def _sfdp(tables):
    if not tables:
        return None

    def read(addr, into):
        into[:] = (tables[addr : addr + len(into)] + b"\xff" * len(into))[: len(into)]

    found = parse(read)
    if not found:
        return None
    erases = [
        {"size": s, "opcode": "%02x" % op, "typical_ms": typ, "max_ms": most} for s, op, typ, most in found.erases
    ]
    return {
        "revision": "%d.%d" % (tables[5], tables[4]),
        "size": found.size,
        "page": found.page,
        "erases": erases,
        "page_us": found.page_us,
        "chip_erase_ms": found.chip_ms,
        "soft_reset": found.soft_reset,
    }


def _part(chip, name, start, regions):
    region = regions[name]
    used = _used(chip, region)
    return Part(name, start, region.size, used, _holds(chip, name, regions, used))


def _used(chip, region):
    """Return how many bytes lie in sectors that are not blank."""
    sector = region.erase_units[0][0]
    if hasattr(chip.flash, "digests"):
        blank = hashlib.sha256(b"\xff" * sector).digest()
        return sum(each != blank for each in chip.flash.digests(region.start, region.size, sector)) * sector
    blank, used = b"\xff" * sector, 0
    for at in range(0, region.size, _PIECE):
        cells = bytearray(min(_PIECE, region.size - at))
        region.read(at, cells)
        used += sum(cells[i : i + sector] != blank for i in range(0, len(cells), sector)) * sector
    return used


def _holds(chip, name, regions, used):
    if not used:
        return "blank"
    if name == "boot":
        return _boot(flash_place.boot(chip))
    if name == "factory":
        return _factory(regions[name])
    if name.startswith("header"):
        return "manifest of %s" % (version(regions[name]) or "nothing that can be read")
    if name.startswith("bank"):
        return _bank(chip, name, regions)
    return "in use"


def _boot(found):
    if not found:
        return "no valid boot record"
    words = ["bank%d confirmed" % found.confirmed]
    if found.trial is not None:
        words.append("bank%d %s" % (found.trial, "to be tried" if found.state == ARMED else "on trial"))
    if found.state == FALLBACK:
        words.append("fallen back")
    return ", ".join(words)


def _factory(region):
    facts = factory.read(region)
    if not facts:
        return "cannot be read"
    device = facts.get("device")
    words = [facts.get("product"), facts.get("model"), device.get("DevId") if isinstance(device, dict) else None]
    return " ".join(str(word) for word in words if word) or json.dumps(sorted(facts))


def _bank(chip, name, regions):
    header = regions.get("header" + name[4:])
    said = version(header) if header else None
    words = [said or ("no header: an image that nothing boots" if header else "in use")]
    found = flash_place.boot(chip)
    if found and name == "bank%d" % found.confirmed:
        words.append("confirmed")
    elif found and found.trial is not None and name == "bank%d" % found.trial:
        words.append("trial")
    return ", ".join(words)
