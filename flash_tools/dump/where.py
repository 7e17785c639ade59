"""What lies where on a flash that may be damaged: as somebody says, as its factory region says, else as it looks."""

import importlib
import pkgutil

import board
from agent.errors import FlashError
from flash_tools import layouts
from flash_tools.dump.snapshot import SECTOR
from flash_tools.errors import ToolError
from hal.region import carve

NAMED, WRITTEN, GUESSED, UNKNOWN = "named", "factory region", "guessed", "unknown"
_MOST = 256 << 20
_PARTS = 64


def find(named: str | None, flash) -> tuple:
    """Return (layout or None, how it was found). An image that was cut off is made as long as the layout wants it."""
    if named:
        layout = layouts.named(named, _whole(flash.size))
        fault = _adopt(layout, flash)
        if fault:
            raise ToolError("the layout %s does not suit this flash: %s" % (named, fault))
        return layout, NAMED
    layout = _written(flash)
    if layout and not _adopt(layout, flash):
        return layout, WRITTEN
    for name in sorted(module.name for module in pkgutil.iter_modules(board.__path__)):
        layout = _of_board(name, flash)
        if layout and _looks_like(layout, flash) and not _adopt(layout, flash):
            return layout, "%s: board/%s" % (GUESSED, name)
    return None, UNKNOWN


def _adopt(layout, flash) -> str:
    """Make the flash as long as the layout; return why that cannot be the layout of it, "" where it can."""
    if len(layout) > _PARTS or any(start < 0 or not 0 < size <= _MOST or start > _MOST for _, start, size in layout):
        return "regions lie outside of any flash"
    size = flash.size
    flash.size = max(size, *(start + length for _, start, length in layout))
    try:
        carve(flash, layout)
    except FlashError as e:
        flash.size = size
        return str(e)
    return ""


def _whole(size):
    """Return the size of the chip that an image of this size is of: a power of two."""
    return 1 << (size - 1).bit_length()


def _written(flash):
    try:
        return layouts.written(flash)
    except (ValueError, AttributeError, RecursionError, FlashError):
        return None


def _of_board(name, flash):
    try:
        return importlib.import_module("board." + name).layout_of(_whole(flash.size))
    except (ImportError, AttributeError, ValueError, FlashError):
        return None


def _looks_like(layout, flash):
    """Tell whether there is a boot record or a header where the layout has one."""
    for name, start, size in layout:
        if name == "boot" and any(flash.bytes(at, 4) == b"FUB1" for at in range(start, start + size, SECTOR)):
            return True
        if name.startswith("header") and flash.bytes(start, 4) == b"FUH1":
            return True
    return False
