"""Writes, erases and compares a part of a flash. A job that is cut is finished by the same command: what stands is left alone."""

from collections.abc import Callable
from dataclasses import dataclass

from flash_tools.chips import Chip
from flash_tools.errors import ToolError, VerifyError
from flash_tools.flash import flash_plan
from flash_tools.flash.flash_notes import Notes
from flash_tools.flash.flash_place import Place
from flash_tools.flash.flash_plan import SAME, Plan, Step

Progress = Callable[[str, int, int], None]  # what is done, bytes done since, bytes in all
_TRIES = 3  # reading can be disturbed; cells that do not hold stay wrong


@dataclass(frozen=True)
class Written:
    """What became of a write or an erase."""

    place: str
    start: int
    size: int
    skipped: int
    erases: dict[int, int]
    programmed: int
    verified: bool
    seconds: float  # that the chip works, by its tables


def nobody(what: str, done: int, total: int) -> None:
    """Be the progress that nobody sees."""


def plan(chip: Chip, place: Place, data: bytes, progress: Progress = nobody) -> Plan:
    """Return what would have to be done for a place to begin with these bytes."""
    fitting(place, data)
    data = flash_plan.padded(data, chip.flash.erase_units[0][0])
    notes = Notes(chip.target)
    return flash_plan.make(
        chip.flash, place.start, data, notes.in_doubt, lambda count: progress("compare", count, len(data))
    )


def write(
    chip: Chip, place: Place, data: bytes, verify: bool = True, progress: Progress = nobody, job: str = ""
) -> Written:
    """Make a place begin with these bytes; the rest of the last sector becomes blank, what is behind it stays."""
    todo = plan(chip, place, data, progress)
    data = flash_plan.padded(data, todo.sector)
    notes = Notes(chip.target)
    notes.begin(job or "write %s" % place.name)
    for step in todo.steps:
        _do(chip.flash, step, todo, data, notes, verify)
        progress("write", step.size, todo.work)
    notes.end()
    return summary(chip, place, todo, verify)


def erase(chip: Chip, place: Place, verify: bool = True, progress: Progress = nobody) -> Written:
    """Make a place blank."""
    return write(chip, place, b"\xff" * place.size, verify, progress, "erase %s" % place.name)


def verify(chip: Chip, place: Place, data: bytes, progress: Progress = nobody, name: str = "the file") -> None:
    """Raise VerifyError unless a place begins with these bytes."""
    fitting(place, data)
    sector = chip.flash.erase_units[0][0]
    whole = len(data) // sector * sector
    states = flash_plan.compare(
        chip.flash, place.start, data[:whole], lambda count: progress("compare", count, len(data))
    )
    wrong = [place.start + at for at, state in zip(range(0, whole, sector), states, strict=True) if state != SAME]
    rest = bytearray(len(data) - whole)
    if rest:
        chip.flash.read(place.start + whole, rest)
        wrong += [place.start + whole] * (rest != data[whole:])
        progress("compare", len(rest), len(data))
    if wrong:
        count = (len(data) + sector - 1) // sector
        text = "%s does not hold %s: %d of %d sectors differ, the first one at 0x%x"
        raise VerifyError(text % (place.name, name, len(wrong), count, wrong[0]))


def summary(chip: Chip, place: Place, todo: Plan, verified: bool) -> Written:
    """Return what a plan comes to."""
    seconds = round(flash_plan.times(chip).of(todo), 1)
    return Written(place.name, place.start, todo.size, todo.skipped, todo.erases, todo.programmed, verified, seconds)


def fitting(place: Place, data: bytes) -> None:
    """Refuse data that a place has no room for."""
    if not data:
        raise ToolError("the file is empty: there is nothing to write to %s" % place.name)
    if len(data) > place.size:
        raise ToolError("the file has %d bytes, %s has %d: it does not fit" % (len(data), place.name, place.size))


# -- a step -----------------------------------------------------------------------------------------------------------


def _do(flash, step: Step, todo: Plan, data, notes, verified):
    end = step.start + step.size
    if step.unit:
        notes.suspect(step.start, end)
        flash.erase(step.start, step.unit)
    for addr in step.sectors:
        _program(flash, addr, _cells(todo, data, addr, todo.sector))
    while flash.busy():
        pass
    if verified:
        _read_back(flash, step, todo, data)
    notes.trust(step.start, end)


def _program(flash, addr, cells):
    if hasattr(flash, "program_run"):
        flash.program_run(addr, cells)
        return
    for at in range(0, len(cells), flash.page):
        page = cells[at : at + flash.page]
        if page != b"\xff" * len(page):
            flash.program(addr + at, page)


def _read_back(flash, step, todo, data):
    wanted = _cells(todo, data, step.start, step.size)
    for _ in range(_TRIES):
        states = list(flash_plan.compare(flash, step.start, wanted))
        if all(state == SAME for state in states):
            return
    first = step.start + [state == SAME for state in states].index(False) * todo.sector
    raise VerifyError("the flash does not hold what was written at 0x%x: check its supply, or replace it" % first)


def _cells(todo, data, addr, size):
    return data[addr - todo.start : addr - todo.start + size]
