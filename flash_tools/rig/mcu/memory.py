"""The memory that the emulated microcontroller shares with us: a file of 16 MiB, so that what is in it outlives a power cut.

The chip's cells, the ROM of the first stage, what we tell the board before it gets power, what the board loses with its power.
firmware/mps2/mps2.h says the same to the board.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from flash_tools.errors import UsageError

SIZE = 16 << 20
CHIP, CHIP_SIZE = 0, 4 << 20
ROM, ROM_SIZE = 8 << 20, 4 << 20
_HOST, _POWERED, _POWERED_SIZE, _LIFE = 15 << 20, (15 << 20) + 0x1000, 0x1000, (15 << 20) + 0x2000
_MARK = 0x4D434752
_SETTINGS, _COUNTS, _CLOCK, _WORK = "<8I", "<6I", "<2I", "<4I"
_BOOTS_AT, _WORK_AT = 8, 12  # in what loses its contents with the power
_CLOCK_AT = 36 + 256 + 64
_REPL = 1
WORKS = ("", "program", "erase")
VIOLATIONS = (
    "",
    "a program over data",
    "a program across a page",
    "an erase that is not aligned",
    "an address outside",
    "not enabled",
)


@dataclass
class Settings:
    """What the board is told. `program_step`: bytes the chip programs between two looks; `erase_steps`: looks an erase takes."""

    heap: int
    seed: int = 1
    repl: bool = False
    program_step: int = 64
    erase_steps: int = 7
    inputs: int = 0xFF
    stack: int = 16 << 10  # of C: an ESP32 and an STM32 have that much, a Pico half of it


@dataclass(frozen=True)
class Work:
    """What the chip was in the middle of; `what` is "" where it was idle."""

    what: str
    addr: int
    size: int
    done: int


@dataclass(frozen=True)
class Counts:
    """What the chip has seen in all its life."""

    programs: int
    erases: int
    reads: int
    violations: int
    code: int
    where: int


class Memory:
    """The file."""

    def __init__(self, path: Path):
        self.path = Path(path)
        if not self.path.exists():
            with open(self.path, "wb") as file:
                file.truncate(SIZE)
            self.write(CHIP, b"\xff" * CHIP_SIZE)

    def read(self, at: int, size: int) -> bytes:
        """Return what is there; also while the board runs."""
        with open(self.path, "rb") as file:
            file.seek(at)
            return file.read(size)

    def write(self, at: int, data: bytes) -> None:
        """Put bytes there."""
        with open(self.path, "r+b") as file:
            file.seek(at)
            file.write(data)

    def chip(self) -> bytes:
        """Return the chip's cells."""
        return self.read(CHIP, CHIP_SIZE)

    def load_chip(self, cells: bytes) -> None:
        """Put another chip in."""
        if len(cells) != CHIP_SIZE:
            raise UsageError("the chip has %d bytes, not %d" % (CHIP_SIZE, len(cells)))
        self.write(CHIP, cells)

    def load_rom(self, image: bytes) -> None:
        """Put the image of another first stage in."""
        if len(image) > ROM_SIZE:
            raise UsageError("a first stage of %d bytes is larger than its memory" % len(image))
        self.write(ROM, image)

    def power(self, settings: Settings) -> None:
        """Prepare a start: what loses its contents without power has lost them."""
        words = (settings.heap, settings.seed & 0xFFFFFFFF, _REPL if settings.repl else 0)
        words += (settings.program_step, settings.erase_steps, settings.inputs, settings.stack)
        self.write(_HOST, struct.pack(_SETTINGS, _MARK, *words))
        self.write(_POWERED, bytes(_POWERED_SIZE))

    @property
    def counts(self) -> Counts:
        """Return what the chip counted."""
        return Counts(*struct.unpack(_COUNTS, self.read(_LIFE, struct.calcsize(_COUNTS))))

    @property
    def boots(self) -> int:
        """Return how often the board started since it got power."""
        return struct.unpack("<I", self.read(_POWERED + _BOOTS_AT, 4))[0]

    @property
    def elapsed_ms(self) -> int:
        """Return the milliseconds since it got power, by its own clock, as of its last look at that."""
        return sum(struct.unpack(_CLOCK, self.read(_POWERED + _CLOCK_AT, 8)))

    @property
    def work(self) -> Work:
        """Return what the chip is doing, or was when the power went."""
        what, addr, size, done = struct.unpack(_WORK, self.read(_POWERED + _WORK_AT, 16))
        return Work(WORKS[what], addr, size, done)

    @property
    def complaint(self) -> str:
        """Say what the chip's driver did wrong, "" where it did nothing."""
        counts = self.counts
        if not counts.violations:
            return ""
        return "%d times %s, the last one at 0x%x" % (counts.violations, VIOLATIONS[counts.code], counts.where)
