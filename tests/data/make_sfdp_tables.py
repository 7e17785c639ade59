"""Makes sfdp_tables.py from the `spiflash` database: real parts for the chip model.

Run it with `python -m tests.data.make_sfdp_tables`.

Where the database has a dump of the chip's own table, that is taken. Where it has the chip's facts only, its encoder makes the
table, and the times, which no such entry has, come from the chip's own tables as posted by their users (see _TIMES).
"""

import struct
from pathlib import Path

_FILE = Path(__file__).with_name("sfdp_tables.py")
# name in the database, JEDEC id (one name can stand for several)
_PARTS = (
    ("W25Q16JV", "ef4015"),
    ("W25Q64", "ef4017"),
    ("W25Q128", "ef4018"),
    ("W25Q256FV", "ef4019"),
    ("MX25L12805D", "c22018"),
    ("MX25R6435F", "c22817"),
    ("MX25L4005A", "c22013"),
    ("GD25Q64", "c84017"),
    ("IS25WP256", "9d7019"),
    ("N25Q128A13", "20ba18"),
    ("SST25VF016B", "bf2541"),
    ("SST26VF032B", "bf2642"),
)
# By id: (erase typ ms by size, factor to the maximum, page typ us, factor, first byte us, further byte us)
_TIMES = {
    "ef4015": ({4096: 48, 32768: 128, 65536: 160}, 14, 384, 6, 8, 2),
    "ef4018": ({4096: 64, 32768: 128, 65536: 160}, 14, 704, 6, 32, 3),
    "c22018": ({4096: 25, 32768: 144, 65536: 256}, 6, 384, 4, 16, 2),
    "20ba18": ({4096: 48, 32768: 112, 65536: 160}, 10, 120, 24, 16, 1),
    "bf2642": ({4096: 20, 32768: 20, 65536: 20}, 2, 1024, 2, 16, 4),
}
_NO_TIMES = ("c84017", "c22013")  # tables of revision 1.0: nine words
_NO_TABLE = ("bf2541",)


def make_text() -> str:
    """Return the text of sfdp_tables.py."""
    lines = [
        '"""SFDP tables of real parts, made by make_sfdp_tables.py from the spiflash database; do not edit."""',
        "",
        "# name, JEDEC id, size, origin of the table, the table in hexadecimal",
        "TABLES = (",
    ]
    for name, jedec_id in _PARTS:
        origin, size, data = _table(name, jedec_id)
        lines.append(f'    ("{name}", "{jedec_id}", {size}, "{origin}", (')
        text = data.hex()
        lines += [f'        "{text[i : i + 96]}"' for i in range(0, len(text), 96)] or ['        ""']
        lines.append("    )),")
    return "\n".join(lines) + "\n)\n"


def _table(name: str, jedec_id: str) -> tuple[str, int, bytes]:
    import spiflash
    from spiflash import sfdp_tools

    chip = next(c for c in spiflash.flashes() if c.jedec_id == jedec_id and c.name == name)
    if jedec_id in _NO_TABLE:
        return "none", chip.size, b""
    dumps = [dump.data for dump in chip.sfdp_dumps if getattr(dump, "data", None)]
    if not dumps and chip.sfdp and getattr(chip.sfdp, "data", None):
        dumps = [chip.sfdp.data]
    if dumps:
        return "dump", chip.size, bytes(dumps[0])
    if chip.sfdp:
        return "words", chip.size, _from_words(chip.sfdp)
    data = bytearray(sfdp_tools.encode(chip, assume=True).data)
    if jedec_id in _NO_TIMES:
        data[11] = 9
        return "encoded", chip.size, bytes(data[: 16 + 36])
    _set_times(data, *_TIMES[jedec_id])
    return "encoded", chip.size, bytes(data)


def _from_words(sfdp) -> bytes:
    """Put the known words of a chip's own table behind a header of our own."""
    words = sfdp.tables[0].dwords
    head = b"SFDP" + bytes((6, 1, 0, 0xFF)) + bytes((0, 6, 1, len(words), 16, 0, 0, 0xFF))
    return head + struct.pack(f"<{len(words)}I", *words)


def _set_times(data, erase_ms, erase_factor, page_us, page_factor, first_us, further_us) -> None:
    at = data[12]
    word = erase_factor // 2 - 1
    for i, shift in enumerate((4, 11, 18, 25)):
        size = 1 << data[at + 28 + 2 * i]
        if size in erase_ms:
            unit, count = (16, erase_ms[size] // 16) if erase_ms[size] % 16 == 0 else (1, erase_ms[size])
            word |= (count - 1 | (unit == 16) << 5) << shift
    struct.pack_into("<I", data, at + 36, word)
    page = page_us // 64 - 1 | 1 << 5 if page_us % 64 == 0 else page_us // 8 - 1
    first = first_us // 8 - 1 | 1 << 4 if first_us % 8 == 0 else first_us - 1
    word = page_factor // 2 - 1 | 8 << 4 | page << 8 | first << 14 | (further_us - 1) << 19 | (9 | 2 << 5) << 24
    struct.pack_into("<I", data, at + 40, word)


if __name__ == "__main__":
    _FILE.write_text(make_text())
