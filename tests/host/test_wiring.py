"""The wiring tables: right in themselves, the same as the board files, and what pages and pictures are made of."""

import dataclasses
import importlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from flash_tools.errors import ToolError
from flash_tools.wiring import __main__ as command
from flash_tools.wiring import pico
from flash_tools.wiring.header import PINS, pin
from flash_tools.wiring.parts import COLOURS, GROUND, POWER, Wire, problems
from flash_tools.wiring.picture import svg
from flash_tools.wiring.table import markdown, placed

SVG = "{http://www.w3.org/2000/svg}"
_EM = 0.54  # of a letter, wider than what the usual fonts have on average
# What a board file calls its lines, and the job of the wire.
LINES = {
    "LED": "led", "BUTTON": "button", "WRITE_PROTECT": "protect", "HOLD": "hold", "TARGET_RESET": "reset", "CONFIRMED_LINE": "line",
}  # fmt: skip


def _wires(wiring):
    return [wire for part in wiring.parts for wire in part.wires]


def test_the_header_is_that_of_a_raspberry_pi():
    assert len(PINS) == 40
    assert [PINS[n] for n in ("1", "2", "6", "17", "39", "40")] == ["3V3", "5V", "GND", "3V3", "GND", "GPIO21"]
    known = {
        2: "3",
        3: "5",
        7: "26",
        8: "24",
        9: "21",
        10: "19",
        11: "23",
        14: "8",
        15: "10",
        17: "11",
        22: "15",
        23: "16",
        24: "18",
    }
    assert {gpio: pin(gpio) for gpio in known} == known and pin(27) == "13" and pin(25) == "22"
    assert sorted(pin(gpio) for gpio in range(28)) == sorted(n for n, name in PINS.items() if name.startswith("GPIO"))
    assert sum(name == "GND" for name in PINS.values()) == 8


@pytest.mark.parametrize("board", command.BOARDS)
def test_nothing_is_wired_that_cannot_be(board):
    wiring = command.wiring_of(board)
    assert wiring.name == board and problems(wiring) == []
    for part in wiring.parts:
        jobs = [wire.job for wire in part.wires]
        chip = (wiring.header or wiring.numbered) and part.name in ("W25Q128", "24C32", "Target's NOR")
        assert not chip or (POWER in jobs and GROUND in jobs), part.name


def _spoiled(**change):
    """Return the HAT's wiring with its second wire changed."""
    wiring = command.wiring_of("rpi_nor_hat")
    nor = wiring.parts[0]
    wires = (nor.wires[0], dataclasses.replace(nor.wires[1], **change), *nor.wires[2:])
    return dataclasses.replace(wiring, parts=(dataclasses.replace(nor, wires=wires), *wiring.parts[1:]))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"pin": "41"}, "no such pin"), ({"pin": "24"}, "goes to W25Q128 already"), ({"pin": "2"}, "the pin is 5V"),
        ({"pin": "2", "job": POWER}, "5 V ends"), ({"job": POWER}, "the wire power"), ({"job": GROUND}, "the wire ground"),
        ({"pin": "6"}, "the pin is GND"), ({"at": "1 /CS"}, "that end has a wire"), ({"job": "magic"}, "nobody knows the job"),
    ],
)  # fmt: skip
def test_what_cannot_be_wired_is_named(change, text):
    assert any(text in found for found in problems(_spoiled(**change))), problems(_spoiled(**change))


@pytest.mark.parametrize("board", [name for name in command.BOARDS if name.startswith("rpi")])
def test_the_board_file_has_the_same_lines(board):
    file = importlib.import_module("board." + board)
    wires = {wire.job: wire.pin for wire in _wires(command.wiring_of(board))}
    compared = 0
    for name, job in LINES.items():
        if isinstance(getattr(file, name, None), int):
            assert wires[job] == pin(getattr(file, name)), name
            compared += 1
    assert compared >= 2
    assert file.SPI == "/dev/spidev0.0"
    assert [wires[job] for job in ("select", "clock", "to part", "from part")] == [pin(8), pin(11), pin(10), pin(9)]
    assert board != "rpi_nor_hat" or file.EEPROM == (1, 0x50)


def test_the_pins_are_those_of_a_pico():
    assert len(pico.PINS) == 40 and sum(name in ("GND", "AGND") for name in pico.PINS.values()) == 8
    known = {
        0: "1",
        1: "2",
        2: "4",
        13: "17",
        14: "19",
        15: "20",
        16: "21",
        17: "22",
        18: "24",
        19: "25",
        22: "29",
        28: "34",
    }
    assert {gpio: pico.pin(gpio) for gpio in known} == known and pico.PINS["36"] == "3V3"
    assert not {23, 24, 25, 29} & {int(name[2:4].strip("/")) for name in pico.PINS.values() if name.startswith("GP")}


@pytest.mark.parametrize("board", [name for name in command.BOARDS if name.startswith("pico")])
def test_a_picos_wires_are_those_of_its_board_file(board):
    file = importlib.import_module("board." + board)
    wires = {wire.job: wire.pin for wire in _wires(command.wiring_of(board))}
    lines = {"LED": "led", "BUTTON": "button", "UART_TX": "serial out", "UART_RX": "serial in"}
    if hasattr(file, "SPI"):
        lines.update({"SCK": "clock", "MOSI": "to part", "MISO": "from part", "CS": "select"})
    for name, job in lines.items():
        assert wires[job] == pico.pin(getattr(file, name)), name
    assert set(wires) - set(lines.values()) <= {POWER, GROUND}
    for name, signal in (("SCK", "SPI%d SCK"), ("MOSI", "SPI%d TX"), ("MISO", "SPI%d RX"), ("CS", "SPI%d CSn")):
        if hasattr(file, "SPI"):
            assert pico.PINS[pico.pin(getattr(file, name))].endswith("/" + signal % file.SPI)
    for name, signal in (("UART_TX", "UART%d TX"), ("UART_RX", "UART%d RX")):
        assert pico.PINS[pico.pin(getattr(file, name))].endswith("/" + signal % file.UART)


def test_the_emulated_boards_ends_are_those_of_its_board_file():
    file = importlib.import_module("board.rig_imx6")
    wiring = command.wiring_of("rig_imx6")
    ends = " ".join(wiring.pins.values())
    assert all(end in ends for end in (file.SPI, file.UART, file.BUTTON, file.LED))
    told = {wire.at: wiring.pins[wire.pin] for wire in _wires(wiring)}
    for bus, address in (file.EEPROM[:2], file.TEMPERATURE):
        at = next(name for name in told if name.endswith("0x%x" % address))
        assert told[at].endswith("i2c-%d" % bus)


@pytest.mark.parametrize("board", command.BOARDS)
def test_pages_and_pictures_are_made_of_the_tables(board):
    for path, text in command.made(command.DOCS, board).items():
        assert path.read_text() == text, "%s is old: python -m flash_tools.wiring" % path.name


def test_every_page_with_a_table_shows_its_picture():
    for board in command.BOARDS:
        assert "](%s.svg)" % board in (command.DOCS / (board + ".md")).read_text()


def test_the_table_has_a_row_for_each_wire():
    wiring = command.wiring_of("rpi_nor_hat")
    rows = [line.split(" | ") for line in markdown(wiring).splitlines() if line.startswith("| ")]
    assert len(rows) == len(_wires(wiring)) + 2 and {len(row) for row in rows} == {6}
    assert "| 24 | GPIO8/CE0 | W25Q128 | 1 /CS | chip select |" in markdown(wiring)


def test_a_page_without_a_place(tmp_path, capsys):
    wiring = command.wiring_of("rpi_nor_hat")
    for page in ("", "<!-- wiring: rpi_nor_hat -->", "<!-- wiring: rpi_nor_hat -->" * 2 + "<!-- end of wiring -->"):
        with pytest.raises(ToolError, match="no place for its wiring"):
            placed(page, wiring)
    (tmp_path / "rpi_nor_hat.md").write_text("nothing")
    assert command.main(["--docs", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1 and len(list(tmp_path.iterdir())) == 1


def test_what_is_old_is_told_and_then_written(tmp_path, capsys):
    page = tmp_path / "rpi_nor_hat.md"
    page.write_text("above\n<!-- wiring: rpi_nor_hat -->\nold\n<!-- end of wiring -->\nbelow\n")
    assert command.main(["--docs", str(tmp_path), "--check"]) == 1 and "old" in page.read_text()
    assert command.main(["--docs", str(tmp_path)]) == 0
    assert (
        page.read_text().startswith("above\n")
        and page.read_text().endswith("\nbelow\n")
        and "\nold\n" not in page.read_text()
    )
    capsys.readouterr()
    assert command.main(["--docs", str(tmp_path), "--check"]) == 0 and capsys.readouterr().out == ""


def _texts(root):
    """Return (left, right, top, bottom, text) of every text, by a guess of its width."""
    for element in root.iter(SVG + "text"):
        kind = element.get("class") or ""
        size = (
            20
            if "title" in kind
            else 15
            if "name" in kind
            else 11
            if "pin" in kind
            else 11.5
            if re.search("small|what", kind)
            else 13
        )
        x, y, width = float(element.get("x")), float(element.get("y")), len(element.text) * size * _EM
        left = x - width if "end" in kind else x - width / 2 if re.search("mid|what|pin", kind) else x
        yield left, left + width, y - size * 0.75, y + size * 0.2, element.text


@pytest.mark.parametrize("board", command.BOARDS)
def test_no_text_of_a_picture_meets_another_or_leaves_it(board):
    root = ElementTree.fromstring(svg(command.wiring_of(board)))
    width, height = float(root.get("width")), float(root.get("height"))
    texts = list(_texts(root))
    assert len(texts) > 20
    for number, (left, right, top, bottom, text) in enumerate(texts):
        assert 0 <= left and right <= width and 0 <= top and bottom <= height, text
        for other in texts[number + 1 :]:
            apart = right <= other[0] or other[1] <= left or bottom <= other[2] or other[3] <= top
            assert apart, (text, other[4])


@pytest.mark.parametrize("board", command.BOARDS)
def test_every_wire_is_a_straight_line_of_its_own(board):
    wiring = command.wiring_of(board)
    lines = ElementTree.fromstring(svg(wiring)).iter(SVG + "line")
    wires = [line for line in lines if line.get("stroke") in COLOURS.values()]
    assert len(wires) == len(_wires(wiring))
    heights = [float(line.get("y1")) for line in wires]
    assert all(line.get("y1") == line.get("y2") for line in wires) and len(set(heights)) == len(heights)
    assert min(b - a for a, b in zip(sorted(heights), sorted(heights)[1:], strict=False)) >= 20


def _luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("job", sorted(COLOURS))
def test_the_number_of_a_pin_can_be_read(job):
    assert 1.05 / (_luminance(COLOURS[job]) + 0.05) >= 4.0


@pytest.mark.parametrize("board", command.BOARDS)
def test_a_renderer_takes_the_picture(board, tmp_path):
    if shutil.which("rsvg-convert") is None:
        pytest.skip("no rsvg-convert: apt-get install librsvg2-bin")
    path = tmp_path / "picture.png"
    subprocess.run(["rsvg-convert", "-o", str(path), str(command.DOCS / (board + ".svg"))], check=True, timeout=30)
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and path.stat().st_size > 5000


def test_a_wire_says_what_it_is_for():
    for board in command.BOARDS:
        assert all(isinstance(wire, Wire) and wire.what and wire.at for wire in _wires(command.wiring_of(board)))
