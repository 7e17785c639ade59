"""What lies where on a flash: by the name of a board file, by a file of regions, or as the flash's own factory region says."""

import importlib
import json
from pathlib import Path

from agent import factory
from agent.errors import FlashError
from flash_tools.errors import ToolError, UsageError
from hal.region import carve

Layout = tuple[tuple[str, int, int], ...]
_SECTOR = 4096


def find(name: str | None, flash) -> Layout:
    """Return the layout of a flash: the one that is named, else the one that provisioning wrote into it."""
    layout = named(name, flash.size) if name else written(flash)
    if not layout:
        raise UsageError("this flash does not say how it is laid out: name a board file or a JSON file with --layout")
    return check(layout, flash)


def named(name: str, size: int) -> Layout:
    """Return the layout of a board file (by its name in board/), or of a JSON file [[region, start, size], ...]."""
    if name.endswith(".json"):
        return _of_file(Path(name))
    try:
        module = importlib.import_module("board." + name)
        return module.layout_of(size) if hasattr(module, "layout_of") else module.LAYOUT
    except (ImportError, AttributeError):
        raise UsageError("board/ has no layout called %s: name a board file, or a .json file" % name) from None


def written(flash) -> Layout | None:
    """Look through the flash for a factory region, and return what it says."""
    for addr in _factory_copies(flash):
        text = factory.read_copy(flash, addr, flash.size - addr)
        layout = _in_facts(text) if text else None
        if layout:
            return layout
    return None


def _in_facts(text):
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _layout(facts.get("layout")) if isinstance(facts, dict) else None


def _factory_copies(flash):
    """Return where one may begin; a flash at the end of a slow line looks for itself."""
    if hasattr(flash, "scan"):
        return flash.scan(factory.MAGIC)
    return (addr for addr in range(0, flash.size, _SECTOR) if _head(flash, addr) == factory.MAGIC)


def _head(flash, addr):
    head = bytearray(len(factory.MAGIC))
    flash.read(addr, head)
    return head


def check(layout: Layout, flash) -> Layout:
    """Return the layout if it suits the flash."""
    try:
        carve(flash, layout)
    except FlashError as e:
        raise ToolError("the layout does not suit this flash of %d bytes: %s" % (flash.size, e)) from None
    return layout


def _of_file(path):
    try:
        layout = _layout(json.loads(path.read_text()))
    except (OSError, ValueError, RecursionError) as e:
        raise ToolError("cannot read the layout %s: %s" % (path, e)) from None
    if not layout:
        raise ToolError("%s is no layout: it should be [[region, start, size], ...]" % path)
    return layout


def _layout(parts) -> Layout | None:
    try:
        layout = tuple((str(name), start, size) for name, start, size in parts or ())
    except (TypeError, ValueError):
        return None
    whole = all(type(number) is int for _, *numbers in layout for number in numbers)
    return layout if layout and whole else None
