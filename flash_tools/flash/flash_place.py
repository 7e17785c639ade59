"""Which part of a flash a command means, and what is in the way of writing there: banks in use, and what keeps a device alive."""

from dataclasses import dataclass

from flash_tools.chips import Chip
from flash_tools.errors import ToolError, UsageError
from hal.boot_record import ARMED, TRIED, BootRecord
from hal.region import Region, wraps

ALL = "all"
KEEPERS = ("boot", "journal", "factory")  # without them a device forgets who it is, or does not start
_UNITS = {"k": 1024, "m": 1024 * 1024}


@dataclass(frozen=True)
class Place:
    """A part of a flash by its absolute address."""

    name: str
    start: int
    size: int

    @property
    def end(self) -> int:
        """Return the address behind it."""
        return self.start + self.size

    def meets(self, start: int, size: int) -> bool:
        """Tell whether it has bytes of that range."""
        return self.start < start + size and start < self.end


@dataclass(frozen=True)
class Boot:
    """What the boot record says; `trial` is None unless one is ordered or under way."""

    confirmed: int
    trial: int | None
    state: int


def find(chip: Chip, region: str | None, address_range: str | None = None) -> Place:
    """Return the place that is meant: a region's name, `all`, or ADDR:SIZE."""
    if address_range and region:
        raise UsageError("name a region or a --range, not both")
    if address_range:
        return _range(chip, address_range)
    if region == ALL:
        return Place(ALL, 0, chip.flash.size)
    for name, start, size in chip.layout:
        if name == region:
            return Place(name, start, size)
    names = ", ".join(name for name, *_ in sorted(chip.layout, key=lambda part: part[1]))
    raise UsageError("the layout has no region %s: it has %s; or name a --range" % (region or "without a name", names))


def boot(chip: Chip) -> Boot | None:
    """Return what the boot record says, None where there is no valid one."""
    region = chip.regions().get("boot")
    record = BootRecord(region) if region and region.size >= 3 * region.erase_units[0][0] else None
    if not record or not record.found:
        return None
    return Boot(record.confirmed(), record.trial if record.state in (ARMED, TRIED) else None, record.state)


def guard(chip: Chip, place: Place, force: bool = False) -> None:
    """Refuse a place that must not be written; with `force` only what can hold nothing there."""
    sector = chip.flash.erase_units[0][0]
    if place.start % sector or place.size % sector or not place.size:
        raise UsageError("%s is not whole sectors: the chip erases %d bytes at once" % (place.name, sector))
    if force:
        return
    for name, start, size, why in _protected(chip):
        if place.meets(start, size):
            shown = name if name == place.name else "%s reaches into %s, which" % (place.name, name)
            raise UsageError("%s %s: --force writes it all the same" % (shown, why))
    _check_alias(chip)


def other_bank(chip: Chip) -> str | None:
    """Return the bank that may be written, None where nothing tells."""
    found = boot(chip)
    return "bank%d" % (1 - found.confirmed) if found and found.confirmed in (0, 1) else None


def region(chip: Chip, place: Place) -> Region:
    """Return the place as a Flash of its own."""
    return Region(chip.flash, place.start, place.size)


def _protected(chip):
    found = boot(chip)
    banks = {}
    if found:
        banks[found.confirmed] = "belongs to the bank that is confirmed"
        if found.trial is not None:
            banks[found.trial] = "belongs to the bank on trial"
    for name, start, size in chip.layout:
        if name in KEEPERS and (name != "factory" or _holds(chip, start)):
            yield name, start, size, "is what the device lives by"
        for number, why in banks.items():
            if name in ("bank%d" % number, "header%d" % number):
                yield name, start, size, why


def _holds(chip, start):
    """Tell whether anything is there: an empty factory region waits to be written."""
    head = bytearray(16)
    chip.flash.read(start, head)
    return head != b"\xff" * 16


def _check_alias(chip):
    area = chip.regions().get("boot")
    record = BootRecord(area) if area and area.size >= 3 * area.erase_units[0][0] else None
    if record and record.found and wraps(chip.flash, area.start + record.probe()):
        raise ToolError(
            "the flash shows its boot record at a second address: it is smaller than %d bytes, check the part"
            % chip.flash.size
        )


def _range(chip, text):
    start, colon, size = text.partition(":")
    place = Place(text, _number(start, text), _number(size, text) if colon else 0)
    if not place.size or place.end > chip.flash.size:
        raise UsageError("--range %s is no ADDR:SIZE within the flash of %d bytes" % (text, chip.flash.size))
    return place


def _number(text, whole):
    unit = _UNITS.get(text[-1:].lower(), 1)
    try:
        value = int(text[:-1] if unit > 1 else text, 0) * unit
    except ValueError:
        value = -1
    if value < 0:
        raise UsageError("%s is no range: write ADDR:SIZE, 0x10000:64K" % whole)
    return value
