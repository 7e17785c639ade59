"""The pages of the ESP32 and STM32 boards: their tables are those of the board files, what they tell to type does what they say."""

import importlib
import json
import re

import pytest

from agent import factory
from agent.bank_header import read_text
from agent.package import HEAD_SIZE
from flash_tools.images import esp
from flash_tools.wiring.__main__ import DOCS, wiring_of
from hal.region import carve, layout_hash
from tests.host.doc_examples import shell
from tests.host.esp32_table import table_of
from tests.host.test_boards_doc import _Bytes
from tests.portable.esp32_model import make_image

BOARDS = ("esp32_ota", "esp32_nor", "stm32_mcuboot")
_LINES = re.compile(r"^\| (?:IO)?(\w+) \| `(\w+)` \|", re.MULTILINE)
_REGION = re.compile(r"^\| ([a-z0-9 ,]+?) \| 0x([0-9a-f]+) \| (\d+) KiB", re.MULTILINE)
_TYPED = re.compile(r"^ {7}(fumo .*|head .*)$", re.MULTILINE)
_NAMES = {
    "boot note": "boot",
    "boot record, journal": "boot",
    "record of the target": "target",
    "factory data": "factory",
}


def _page(board):
    return (DOCS / (board + ".md")).read_text()


def _board(name):
    return importlib.import_module("board." + name)


def _layout(name):
    board = _board(name)
    return board.LAYOUT if hasattr(board, "LAYOUT") else board.layout_of(board.STATE_SIZE)


def test_the_partition_table_can_be_one():
    rows, end = table_of("esp32_ota"), 0x9000  # behind the bootloader and the table
    for label, kind, subtype, at, size in rows:
        assert at == end and size > 0 and at % (0x10000 if kind == 0 else 0x1000) == 0, label
        assert len(label) < 16 and (kind or subtype in (0x10, 0x11)), label
        end = at + size
    assert end == 4 << 20
    board, found = _board("esp32_ota"), {row[0]: row for row in rows}
    assert found["ota_0"][4] == found["ota_1"][4] == board.SLOT_SIZE and found["otadata"][4] == 8192
    assert found[board.STATE][4] == board.STATE_SIZE and found["vfs"][2] == 0x81
    page = _page("esp32_ota")
    written = re.search(r"write-flash .*", page).group()
    assert "0x%x micropython.bin" % found["ota_0"][3] in written and "0x%x state.img" % found["fumo"][3] in written
    assert "0x8000 partition-table.bin" in written


@pytest.mark.parametrize("name", BOARDS)
def test_the_layout_of_a_page_is_that_of_the_board_file(name):
    layout = {region: (start, size) for region, start, size in _layout(name)}
    rows = _REGION.findall(_page(name))
    assert len(rows) >= 5
    for told, at, size in rows:
        region = _NAMES.get(told, "header0" if "headers" in told or "manifests" in told else told.replace(" ", ""))
        assert layout[region] == (int(at, 16), int(size) * 1024), told


@pytest.mark.parametrize("name", BOARDS)
def test_the_lines_of_a_page_and_of_its_picture_are_those_of_the_board_file(name):
    board, lines = _board(name), _LINES.findall(_page(name))
    assert len(lines) >= 4
    for line, constant in lines:
        assert str(getattr(board, constant)) == line, constant
    wires = {(part.name, wire.job): wire.pin for part in wiring_of(name).parts for wire in part.wires}
    if name == "stm32_mcuboot":
        slot, state, target = "Target's NOR", "W25Q16", "Target"
        assert wires[slot, "select"] == board.CS and wires[target, "reset"] == board.TARGET_RESET
        assert [wires[slot, job] for job in ("clock", "to part", "from part")] == ["D23", "D22", "D25"]
        ends = board.STATE_CS, board.STATE_SCK, board.STATE_MOSI, board.STATE_MISO
        assert tuple(wires[state, job] for job in ("select", "clock", "to part", "from part")) == ends
        assert wires[target, "line"] == board.CONFIRMED_LINE
        return
    found = {job: int(pin) for (_, job), pin in wires.items() if pin.isdigit()}
    told = {"led": board.LED, "button": board.BUTTON, "serial out": board.UART_TX, "serial in": board.UART_RX}
    if name == "esp32_nor":
        told.update({"clock": board.SCK, "to part": board.MOSI, "from part": board.MISO, "select": board.CS})
    assert found == told
    assert not {6, 7, 8, 9, 10, 11} & set(told.values()) and not {34, 35, 36, 39} & set(
        told.values()
    )  # flash; inputs only
    assert not {0, 2, 12, 15} & set(told.values())  # what they have at the start means something


@pytest.mark.parametrize("name", BOARDS)
def test_the_index_leads_to_the_page(name):
    assert "[%s](%s.md)" % (name, name) in (DOCS / "index.md").read_text()


@pytest.mark.parametrize("name", ["esp32_ota", "stm32_mcuboot"])
def test_the_state_of_the_page_is_one(name, tmp_path):
    """Its commands are typed; the account's file, which a server gives, is made here, and no WLAN's key is asked for."""
    page, layout = _page(name), _layout(name)
    (tmp_path / "bundle.json").write_text(json.dumps({"server_id": "bench", "url": "https://bench/dm"}))
    (tmp_path / "chip.img").write_bytes(b"\xff" * (2 << 20))
    lines = [line for line in _TYPED.findall(page) if line.startswith(("head ", "fumo provision"))]
    assert len(lines) == (2 if name == "esp32_ota" else 1)
    _type("fumo keys new release.pem", tmp_path)
    for line in lines:
        _type(re.sub('"mpy:[^"]*"', "file:chip.img", line).replace(" --wifi home", ""), tmp_path)
    flash = _Bytes((tmp_path / ("state.img" if name == "esp32_ota" else "chip.img")).read_bytes())
    facts = factory.read(carve(flash, layout)["factory"])
    assert facts["board"] == name and facts["product"] == "kitchen"
    assert name != "esp32_ota" or flash.size == _board(name).STATE_SIZE
    assert not read_text(carve(flash, layout)["header0"], bytearray(4096))
    if name == "stm32_mcuboot":
        wires = dict(re.findall(r"(\w+)=(D\d+)", lines[0]))
        board = _board(name)
        told = {"cs": board.STATE_CS, "sck": board.STATE_SCK, "mosi": board.STATE_MOSI, "miso": board.STATE_MISO}
        assert wires == told


def test_the_package_of_the_page_is_for_the_board(tmp_path):
    image = make_image(b"MicroPython " * 900)
    assert esp.parse(image)["sha256"] and esp.parse(image)["behind"] == 0  # the model's images are real ones
    (tmp_path / "micropython.bin").write_bytes(image)
    _type("fumo keys new release.pem", tmp_path)
    line = next(line for line in _TYPED.findall(_page("esp32_ota")) if line.startswith("fumo package build"))
    _type(line, tmp_path)
    made = (tmp_path / "next.fup").read_bytes()
    text = made[HEAD_SIZE : HEAD_SIZE + int.from_bytes(made[4:8], "little")].split(b".")[1]
    manifest = json.loads(__import__("base64").urlsafe_b64decode(text + b"=="))
    assert layout_hash(_layout("esp32_ota")) in json.dumps(manifest) and '"raw"' in json.dumps(manifest)


def _type(line, folder):
    done = shell(line, folder)
    assert done.returncode == 0, (line, done.stdout, done.stderr)
