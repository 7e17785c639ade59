"""The stored tables are those of the database, and the parser reads them as the chips' makers meant."""

import pytest

from hal.nor_sfdp import parse
from tests.data import make_sfdp_tables
from tests.data.sfdp_tables import TABLES


def _parse(name):
    data = next(bytes.fromhex(table) for part, _, _, _, table in TABLES if part == name)

    def read(addr, into):
        into[:] = (data[addr : addr + len(into)] + b"\xff" * len(into))[: len(into)]

    return parse(read)


def test_the_tables_are_current():
    pytest.importorskip("spiflash", reason="the chip database is not installed")
    assert make_sfdp_tables.make_text() == make_sfdp_tables._FILE.read_text()


def test_ten_parts_and_more():
    assert len(TABLES) >= 10


@pytest.mark.parametrize(
    ("name", "erase_64k", "page_us"),
    [
        ("W25Q128", (160, 2240), (704, 4224)),
        ("MX25R6435F", (480, 3840), (896, 5376)),
        ("MX25L12805D", (256, 1536), (384, 1536)),
        ("IS25WP256", (304, 2432), (200, 1200)),
    ],
)
def test_times_are_those_of_the_chips(name, erase_64k, page_us):
    chip = _parse(name)
    assert chip.erases[-1][0] == 65536 and chip.erases[-1][2:] == erase_64k
    assert chip.page_us == page_us


def test_sizes_are_those_of_the_database():
    for name, _, size, origin, _ in TABLES:
        if origin != "none":
            assert _parse(name).size == size


def test_garbage_is_no_table():
    for data in (b"", b"SFDP", b"SFDP" + b"\xff" * 60, b"SFDP" + bytes(200), bytes(64)):

        def read(addr, into, data=data):
            into[:] = (data[addr : addr + len(into)] + b"\xff" * len(into))[: len(into)]

        assert parse(read) is None
