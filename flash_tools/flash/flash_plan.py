"""What has to be erased and programmed to make a flash hold some bytes: what is there already is left alone.

An erase takes the largest unit of which at least half would have to be erased anyway, and never reaches beyond the bytes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from hal.nor_sfdp import parse

SAME, BLANK, OTHER = "same", "blank", "other"
_READ = 65536
_PAGE_US = 700
_SOME_MS = 4  # typical times are about the maximum divided by this


@dataclass(frozen=True)
class Step:
    """One erase (or none: `unit` is 0) and the sectors to program behind it, by their addresses."""

    start: int
    size: int
    unit: int
    sectors: tuple[int, ...]


@dataclass
class Plan:
    """Steps in the order of addresses."""

    start: int
    size: int
    sector: int
    steps: list[Step] = field(default_factory=list)

    @property
    def erases(self) -> dict[int, int]:
        """Return how many erases of each size there are."""
        units = [step.unit for step in self.steps if step.unit]
        return {unit: units.count(unit) for unit in sorted(set(units))}

    @property
    def programmed(self) -> int:
        """Return how many bytes are programmed."""
        return sum(len(step.sectors) for step in self.steps) * self.sector

    @property
    def work(self) -> int:
        """Return how many bytes are erased or programmed."""
        return sum(step.size for step in self.steps)

    @property
    def skipped(self) -> int:
        """Return how many bytes are left alone."""
        return self.size - self.work


@dataclass(frozen=True)
class Times:
    """Typical times of a chip: milliseconds by erase unit, microseconds a page."""

    erase_ms: dict[int, int]
    page_us: int
    page: int

    def of(self, plan: Plan) -> float:
        """Return the seconds that the chip works for a plan, the way to it not counted."""
        erasing = sum(self.erase_ms.get(unit, 100) * count for unit, count in plan.erases.items())
        return erasing / 1000 + plan.programmed / self.page * self.page_us / 1e6


def times(chip) -> Times:
    """Return a chip's times: what its tables say, else a part of its limits."""
    tables = chip.sfdp and parse(_reader(chip.sfdp))
    erase_ms = {size: max(most // _SOME_MS, 1) for size, most in chip.flash.erase_units}
    if tables:
        erase_ms.update({size: typ for size, _, typ, _ in tables.erases if typ})
    return Times(erase_ms, tables.page_us[0] if tables and tables.page_us else _PAGE_US, chip.flash.page)


def make(flash, start: int, data: bytes, doubtful: Callable[[int, int], bool], look=None) -> Plan:
    """Return the plan for whole sectors of `data`; `look(bytes)` is told what has been compared."""
    sector = flash.erase_units[0][0]
    states = [
        OTHER if doubtful(start + at, sector) else state
        for at, state in zip(range(0, len(data), sector), compare(flash, start, data, look), strict=True)
    ]
    plan = Plan(start, len(data), sector)
    _cut(plan, [size for size, _ in flash.erase_units], states, data)
    return plan


def compare(flash, start: int, data: bytes, look=None):
    """Yield SAME, BLANK or OTHER for each sector of `data`, without sending bytes where the flash can make digests."""
    sector = flash.erase_units[0][0]
    blank = b"\xff" * sector
    digests = hasattr(flash, "digests")
    wanted_blank = _digest(blank) if digests else blank
    for at in range(0, len(data), _READ):
        piece = data[at : at + _READ]
        wanted = [piece[i : i + sector] for i in range(0, len(piece), sector)]
        if digests:
            found, wanted = flash.digests(start + at, len(piece), sector), [_digest(each) for each in wanted]
        else:
            cells = bytearray(len(piece))
            flash.read(start + at, cells)
            found = [bytes(cells[i : i + sector]) for i in range(0, len(piece), sector)]
        for mine, theirs in zip(wanted, found, strict=True):
            yield SAME if mine == theirs else BLANK if theirs == wanted_blank else OTHER
        if look:
            look(len(piece))


def padded(data: bytes, sector: int) -> bytes:
    """Return the data up to the end of its last sector, blank there."""
    return data + b"\xff" * (-len(data) % sector)


def _cut(plan, units, states, data):
    at, end = plan.start, plan.start + plan.size
    while at < end:
        unit = _unit(plan, units, states, at)
        sectors = range(at, at + (unit or plan.sector), plan.sector)
        if unit or _state(plan, states, at) == BLANK:
            filled = tuple(addr for addr in sectors if _filled(plan, data, addr))
            plan.steps.append(Step(at, len(sectors) * plan.sector, unit, filled))
        at = sectors[-1] + plan.sector


def _unit(plan, units, states, at):
    """Return the unit to erase at `at`, 0 for none."""
    for unit in reversed(units):
        if at % unit or at + unit > plan.start + plan.size:
            continue
        wanted = [_state(plan, states, addr) == OTHER for addr in range(at, at + unit, plan.sector)]
        if 2 * sum(wanted) >= len(wanted):
            return unit
    return 0


def _state(plan, states, addr):
    return states[(addr - plan.start) // plan.sector]


def _filled(plan, data, addr):
    cells = data[addr - plan.start : addr - plan.start + plan.sector]
    return cells != b"\xff" * plan.sector


def _digest(data):
    return hashlib.sha256(data).digest()


def _reader(tables):
    def read(addr, into):
        into[:] = (tables[addr : addr + len(into)] + b"\xff" * len(into))[: len(into)]

    return read
