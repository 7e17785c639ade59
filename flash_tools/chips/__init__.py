"""Flash chips within reach of the host, all with the Flash contract of hal/contracts.py."""

from contextlib import contextmanager
from pathlib import Path

from agent.errors import FlashError, LinkError
from flash_tools import layouts
from flash_tools.chips import mpy, mtd, spi
from flash_tools.chips.faults import tool_error
from flash_tools.chips.image_file import ImageFile
from flash_tools.sim import sim_files
from flash_tools.target import Target, parse
from hal.region import carve, layout_hash

KINDS = ("sim", "file", "spi", "mtd", "mpy")


class Chip:
    """An open chip. `name`, `jedec_id` and `sfdp` are None where nothing tells."""

    name: str | None = None
    jedec_id: bytes | None = None
    sfdp: bytes | None = None
    identity = None  # region of the factory data where it is not on this chip but in an EEPROM

    def __init__(self, target: Target, flash, layout: str | None = None) -> None:
        self.target, self.flash = target, flash
        self._named, self._found = layout, None

    @property
    def layout(self) -> layouts.Layout:
        """Return the layout, looked for when it is first needed."""
        self._found = self._found or layouts.find(self._named, self.flash)
        return self._found

    @property
    def layout_hash(self) -> str:
        """Return what packages are made for."""
        return layout_hash(self.layout)

    def regions(self) -> dict:
        """Return the regions by name."""
        return carve(self.flash, self.layout)


@contextmanager
def open_chip(board: str, layout: str | None = None, write: bool = False, interrupt: bool = False):
    """Give the Chip of a board; what the hardware refuses is a ToolError.

    `interrupt` stops a program that runs on a MicroPython board. One command at a time has a chip, and a file while it is written.
    """
    target = parse(board, *KINDS)
    try:
        with _open(target, layout, write, interrupt) as chip:
            yield chip
    except (FlashError, LinkError) as e:
        raise tool_error(target, e) from None


@contextmanager
def _open(target, layout, write, interrupt):
    with _flash(target, write, interrupt) as flash:
        chip = Chip(target, flash, layout or ("sim_nor" if target.kind == "sim" else None))
        chip.jedec_id = getattr(flash, "jedec_id", None)
        chip.name = getattr(flash, "part_name", None) or (flash.name if target.kind == "spi" else None)
        chip.sfdp = _tables(flash)
        yield chip


def _flash(target, write, interrupt):
    if target.kind == "spi":
        return spi.open_spi(target.place, write)
    if target.kind == "mtd":
        return mtd.open_mtd(target.place, write)
    if target.kind == "mpy":
        return mpy.open_mpy(target.place, interrupt)
    return ImageFile(Path(target.place) / sim_files.FLASH if target.kind == "sim" else Path(target.place), write)


def _tables(flash):
    tables = flash.tables() if hasattr(flash, "tables") else None
    return tables if tables and tables[:4] == b"SFDP" else None
