"""What a microcontroller has in memory for good: nothing that is only wanted at its start, and little of drivers and port."""

import ast

import pytest

from flash_tools.deploy import board_file, mpy_files
from flash_tools.deploy.compiled import compile_sources
from tests.host.test_micropython import ROOT

_MOST = 17 << 10  # bytes of the entry's file
_SERVICE = ROOT / "ports" / "micropython" / "service.py"


def _passing():
    """Return the modules that the service forgets by whole names."""
    calls = [node for node in ast.walk(ast.parse(_SERVICE.read_text())) if isinstance(node, ast.Call)]
    (call,) = [node for node in calls if getattr(node.func, "id", "") == "unload"]
    return {part.value for part in call.args[0].elts}


@pytest.fixture(scope="module")
def image():
    """Return the image of a board."""
    return mpy_files.program(ROOT, board_file.read("pico_w_nor", ROOT / "board" / "pico_w_nor.py"), {})[0]


def test_what_is_forgotten_is_there_under_that_name():
    assert [
        name for name in _passing() - {"board.chosen"} if not (ROOT / (name.replace(".", "/") + ".py")).is_file()
    ] == []


def test_what_is_forgotten_shares_no_file_with_what_stays(image):
    passing = _passing()
    mixed = [names for names in image.modules.values() if passing & set(names) and not passing >= set(names)]
    assert mixed == []
    whole = [name for names in image.modules.values() for name in names]
    assert {
        "board.chosen",
        "hal.nor_identify",
        "hal.boot_record",
        "ports.micropython.service_start",
        "ports.micropython.service_wiring",
    } <= set(whole)


def test_the_names_to_forget_are_those_of_the_files(image):
    """The call in the image names every file of them."""
    wanted = {place for place, names in image.modules.items() if _passing() & set(names)}
    letters = {place.removeprefix("agent/").removesuffix(".py") for place in wanted}
    found = [
        {part.value for part in node.elts}
        for node in ast.walk(ast.parse(image.sources["main.py"]))
        if isinstance(node, ast.Tuple) and node.elts and all(isinstance(part, ast.Constant) for part in node.elts)
    ]
    assert letters in found and len(letters) > 10


def test_the_classes_of_what_lives_on_are_in_the_entrys_file(image):
    lasting = {
        "hal.nor_spi",
        "hal.part",
        "hal.boot_kept",
        "hal.status_led",
        "ports.micropython.spi",
        "ports.micropython.port",
    }
    assert lasting <= set(image.modules["main.py"])


def test_it_is_little(image):
    assert len(compile_sources({"main.py": image.sources["main.py"]})["main.mpy"]) <= _MOST
