"""For whom a package is: said by hand, or read off a board that was provisioned."""

from dataclasses import dataclass

from agent import factory
from flash_tools import chips, layouts
from flash_tools.errors import ToolError, UsageError
from flash_tools.flash import flash_package
from flash_tools.packages.package_estimate import Speed, of_sfdp
from flash_tools.sim import sim_files
from flash_tools.target import parse
from hal.region import layout_hash

_HEX = set("0123456789abcdef")


@dataclass(frozen=True)
class Whom:
    """Product, models and layout hash; what else is known of the board is None where nobody told."""

    product: str
    models: tuple[str, ...]
    layout: str
    bank_size: int | None = None
    speed: Speed | None = None
    counter: int | None = None


def of_board(board: str, layout: str | None = None) -> Whom:
    """Read it off a board's factory region; `layout` is for a flash that does not say how it is laid out."""
    with chips.open_chip(board, layout) as chip:
        regions = chip.regions()
        facts = factory.read(regions["factory"]) if "factory" in regions else None
        facts = facts or _of_simulator(board)
        if not facts or not isinstance(facts.get("product"), str) or not isinstance(facts.get("model"), str):
            raise ToolError(
                f"{board} does not say what it is: provision it first, or say --product, --model and --layout"
            )
        speed = of_sfdp(chip.sfdp, chip.name) if chip.sfdp else None
        return Whom(
            facts["product"],
            (facts["model"],),
            chip.layout_hash,
            _bank_size(chip.layout),
            speed,
            flash_package.counter(chip, facts),
        )


def of_layout(text: str, flash_size: str | None = None) -> tuple[str, int | None]:
    """Return the hash of a layout and the size of its banks: `text` is the hash itself, a board file's name or a JSON file."""
    if _is_hash(text):
        return text, None
    if text.endswith(".json"):
        found = layouts.named(text, 0)
    elif not flash_size:
        raise UsageError(
            f"{text!r} is no layout hash of 16 hexadecimal digits; a board file's name needs --flash-size, as 2M or 16M"
        )
    else:
        found = layouts.named(text, size_of(flash_size))
    return layout_hash(found), _bank_size(found)


def size_of(text: str) -> int:
    """Return the bytes of 4096, 64K or 2M."""
    number, factor = (
        (text[:-1], {"K": 1024, "M": 1 << 20}[text[-1].upper()]) if text[-1:].upper() in ("K", "M") else (text, 1)
    )
    if not (number.isascii() and number.isdigit() and 0 < len(number) < 11 and int(number)):
        raise UsageError(f"a size is a number of bytes, with K or M behind it where that is meant, not {text!r}")
    return int(number) * factor


def combine(board, product, models, layout, flash_size) -> Whom:
    """Return what was said by hand, the rest from the board."""
    named = layout if layout and not _is_hash(layout) else None
    found = of_board(board, named) if board else None
    if found and layout and _is_hash(layout) and layout != found.layout:
        raise UsageError(f"{board} has the layout {found.layout}, --layout says {layout}: leave one of them out")
    product = product or (found and found.product)
    models = tuple(models or (found.models if found else ()))
    missing = [
        name
        for name, value in (("--product", product), ("--model", models), ("--layout", layout or found))
        if not value
    ]
    if missing:
        raise UsageError(f"for whom is it? say {', '.join(missing)}, or --for BOARD, which reads it off a board")
    if found:
        return Whom(product, models, found.layout, found.bank_size, found.speed, found.counter)
    layout, bank_size = of_layout(layout, flash_size)
    return Whom(product, models, layout, bank_size)


def _is_hash(text):
    return len(text) == 16 and not set(text) - _HEX


def _bank_size(layout):
    sizes = [size for name, _, size in layout if name.startswith("bank")]
    return min(sizes) if sizes else None


def _of_simulator(board):
    target = parse(board)
    return sim_files.read(target.place).facts() if target.kind == "sim" else None
