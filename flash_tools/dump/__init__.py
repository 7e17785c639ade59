"""Everything that a flash tells of a device, dead or alive. Only reads; whatever stands on the flash gives a dump.

`look` makes the document of any Flash, `of_board` of a board that is named; `text.lines` shows it to people.
"""

from pathlib import Path

from flash_tools import chips
from flash_tools.boards import board_control
from flash_tools.dump import areas, banks, boot, factory, nodes, rehearsal, slots, timeline, values, verdict, where
from flash_tools.dump.snapshot import Image, Snapshot
from flash_tools.errors import NotFoundError, ToolError, UsageError
from flash_tools.signing.keys import key_id, read_public_key
from flash_tools.sim import sim_files
from flash_tools.target import parse
from hal.region import carve, layout_hash

_MOST = 256 << 20  # no NOR flash is larger


def of_board(
    board: str, layout: str | None = None, key: Path | None = None, output: Path | None = None, interrupt: bool = False
) -> dict:
    """Dump the flash of a board; `key` is a public key that the device should trust, `output` takes the raw image.

    From a console (serial:) comes only `status`. `interrupt` stops a program that runs on a MicroPython board.
    """
    public = read_public_key(key) if key else None
    anchors = ((key_id(public), public),) if public else ()
    target = parse(board, *chips.KINDS, "serial")
    if target.kind == "serial":
        if output:
            raise UsageError("a console gives no image: name the board's flash, or leave -o out")
        return {"board": str(target), "status": board_control.status(board)}
    if target.kind in ("sim", "file"):
        return _of_file(target, layout, anchors, output)
    with chips.open_chip(board, layout, interrupt=interrupt) as chip:
        return _look_and_save(chip.flash, str(target), layout, anchors, output)


def look(flash, layout: str | None = None, anchors: tuple = (), name: str = "") -> dict:
    """Return the document; `flash` has `size` and `read`, of any size, `layout` is a board file's name or a JSON file."""
    return _look(Snapshot(flash), layout, anchors, name, flash.size)


def _of_file(target, layout, anchors, output):
    path = Path(target.place) / sim_files.FLASH if target.kind == "sim" else Path(target.place)
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST + 1)
    except FileNotFoundError:
        raise NotFoundError("there is no flash image %s" % path) from None
    except OSError as e:
        raise ToolError("cannot read %s: %s" % (path, e.strerror)) from None
    if not 0 < len(data) <= _MOST:
        raise ToolError("%s is %s: give the image of a flash" % (path, "too large" if data else "empty"))
    return _look_and_save(Image(data), str(target), layout, anchors, output)


def _look_and_save(flash, name, layout, anchors, output):
    snapshot = Snapshot(flash)
    document = _look(snapshot, layout, anchors, name, flash.size)
    if output:
        from flash_tools.cli.output import write

        write(output, snapshot.bytes(0, flash.size), 0o600)
    return document


def _look(snapshot, layout_name, anchors, name, size):
    layout, found_by = where.find(layout_name, snapshot)
    regions = carve(snapshot, layout) if layout else {}
    facts = factory.facts_of(regions["factory"]) if "factory" in regions else None
    anchors = (*anchors, *factory.anchors_of(facts))
    records = boot.records(regions["boot"]) if "boot" in regions else []
    journal = slots.copies(regions["journal"]) if "journal" in regions else []
    settings = slots.copies(regions["settings"]) if "settings" in regions else []
    told = rehearsal.start(snapshot, layout, anchors) if layout else {"broken": "it is not known what lies where"}
    found_banks = banks.look(regions, anchors)
    shown = [_copy(copy, values.decode) for copy in journal]
    for copy in shown:
        values.explain(copy["values"], factory.account_names(facts), found_banks)
    hashed = layout_hash(layout) if layout else ""
    return {
        "board": name,
        "verdict": verdict.of(told, found_banks, records, journal, anchors, hashed),
        "timeline": timeline.of(records, journal, settings, found_banks),
        "boot": records,
        "journal": shown,
        "settings": [_copy(copy, nodes.decode) for copy in settings],
        "banks": found_banks,
        "factory": factory.look(regions["factory"]) if "factory" in regions else None,
        "areas": areas.look(snapshot, layout),
        "flash": _flash(snapshot, size, layout, found_by),
    }


def _flash(snapshot, size, layout, found_by):
    """Say what was read; last, because reading finds what cannot be read."""
    return {
        "bytes": size,
        "missing_bytes": max(snapshot.size - size, 0),
        "layout_found_by": found_by,
        "layout_hash": layout_hash(layout) if layout else "",
        "layout": [{"region": region, "start": start, "size": length} for region, start, length in layout or ()],
        "unreadable_sectors": snapshot.unreadable,
    }


def _copy(copy, decode):
    return {
        "copy": copy.number,
        "revision": copy.revision,
        "counts": copy.counts,
        "why_not": copy.why_not,
        "slots": copy.slots,
        "used": copy.used,
        "snapshot_slots": copy.snapshot_slots,
        "torn": copy.torn,
        "clean": copy.clean,
        "values": decode(copy.newest()),
    }
