"""Everything that no region of the layout covers, or all of the flash where the layout is not known: what stands there."""

from flash_tools.dump.snapshot import SECTOR

_KNOWN = (
    (b"FUB1", "boot record"),
    (b"FUH1", "header of a bank"),
    (b"FUF1", "factory data"),
    (b"FUP1", "update package"),
    (b"SIMFW", "simulated firmware"),
    (b"\x3d\xb8\xf3\x96", "mcuboot image"),
    (b"PK\x03\x04", "zip"),
    (b"\x7fELF", "ELF"),
    (b"\xd2\xcd\x31", "ROMFS"),
)
_BLANK = b"\xff" * SECTOR
_MOST = 64


def look(flash, layout) -> list[dict]:
    """Return runs of sectors outside of the layout: {start, size, what}; erased ones are left out."""
    found = []
    for start, end in _gaps(flash.size, layout or ()):
        for addr in range(start, end, SECTOR):
            what = _what(flash.bytes(addr, SECTOR))
            last = found[-1] if found else None
            if last and last["what"] == what == "data" and last["start"] + last["size"] == addr:
                last["size"] += SECTOR
            elif what:
                found.append({"start": addr, "size": SECTOR, "what": what})
    return found[:_MOST]


def _gaps(size, layout):
    at = 0
    for _, start, length in sorted(layout, key=lambda part: part[1]):
        if start > at:
            yield at, min(start, size)
        at = max(at, start + length)
    if at < size:
        yield at, size


def _what(cells):
    """Return what a sector looks like, "" where it is erased."""
    if cells == _BLANK:
        return ""
    for magic, name in _KNOWN:
        if cells.startswith(magic):
            return name
    if cells[8:12] == b"littlefs"[:4] or b"littlefs" in cells[:32]:
        return "littlefs"
    if cells[:1] == b"\xf0" and cells[1] & 0x3F == 11:
        return "journal"
    return "data"
