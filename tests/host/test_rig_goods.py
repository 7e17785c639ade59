"""The goods of a real Linux board: a whole chip and updates for the board file that the environment names."""

import base64
import json

import pytest

from agent import factory
from board import rpi_nor_hat
from flash_tools.errors import UsageError
from flash_tools.rig import goods
from flash_tools.rig.linux_goods import CONFIG, FLASH
from flash_tools.server.bench import BenchServer
from hal.region import carve, layout_hash
from ports.sim.flash_file import FileNor
from ports.sim.real_clock import RealClock


def test_they_are_those_of_the_board_that_is_named(tmp_path):
    made = goods.make("linux", device_id="hat:1", board="rpi_nor_hat")
    with BenchServer() as server:
        files = made.files(server.add_device("hat:1"))
    assert b'board = "rpi_nor_hat"' in files[CONFIG]
    (tmp_path / FLASH).write_bytes(files[FLASH])
    flash = FileNor(str(tmp_path / FLASH), RealClock())
    assert flash.size == rpi_nor_hat.FLASH_SIZE
    facts = factory.read(carve(flash, rpi_nor_hat.LAYOUT)["factory"])
    assert (facts["board"], facts["layout"]) == ("rpi_nor_hat", [list(part) for part in rpi_nor_hat.LAYOUT])
    manifest = json.loads(_payload(made.update("2.0")))
    assert manifest["layout"] == layout_hash(rpi_nor_hat.LAYOUT)


@pytest.mark.parametrize("name", ["no_such_board", "rpi_tryboot"])
def test_a_board_without_one_chip_is_refused(name):
    with pytest.raises(UsageError, match="LAYOUT and FLASH_SIZE"):
        goods.make("linux", board=name)


def _payload(package):
    size = int.from_bytes(package[4:8], "little")
    text = package[8 : 8 + size].split(b".")[1]
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
