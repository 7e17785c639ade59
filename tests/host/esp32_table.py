"""Reads the partition table out of a board's page, as gen_esp32part.py understands it: the tests run on what is documented."""

from flash_tools.wiring.__main__ import DOCS

_KINDS = {"app": 0, "data": 1}
_SUBTYPES = {"ota_0": 0x10, "ota_1": 0x11, "factory": 0, "ota": 0, "phy": 1, "nvs": 2, "undefined": 6, "fat": 0x81}


def csv_of(board):
    """Return the text of the table."""
    page = (DOCS / (board + ".md")).read_text()
    return page.partition("```csv\n")[2].partition("```")[0]


def table_of(board):
    """Return ((label, type, subtype, address, size), ...)."""
    rows = []
    for line in csv_of(board).splitlines():
        if line.strip() and not line.startswith("#"):
            label, kind, subtype, at, size = (field.strip() for field in line.rstrip(", ").split(","))
            rows.append((label, _KINDS[kind], _SUBTYPES[subtype], int(at, 0), int(size, 0)))
    return tuple(rows)
