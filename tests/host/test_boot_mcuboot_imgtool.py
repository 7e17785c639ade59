"""The trailer that the agent writes is the one that imgtool pads an image with, byte for byte."""

import subprocess
import sys
from pathlib import Path

import pytest

from flash_tools.images import mcuboot
from flash_tools.signing.keys import new_key, write_key
from hal.boot_mcuboot import PERMANENT, TEST, McubootSlot
from hal.region import Region
from ports.sim.clock import Clock
from ports.sim.nor import Geometry, Nor

K = 1024
CHIP = Geometry("slot", 2048 * K, ((4 * K, 45000, 400000),), (700, 3000), (30, 3))
SLOTS = [(size, align) for size in (64 * K, 236 * K, 512 * K, 1024 * K) for align in (8, 16, 32)] + [(128 * K, 4)]


def imgtool(*arguments, code=0):
    """Run the real one; return what it said."""
    command = [Path(sys.executable).parent / "imgtool", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mcuboot")
    write_key(new_key(), folder / "key.pem")
    (folder / "firmware.bin").write_bytes(bytes(range(256)) * 80)
    return folder


def padded(folder, size, align, *more):
    out = folder / ("padded-%d-%d-%d.bin" % (size, align, len(more)))
    options = ["--version", "1.2.3", "--header-size", 0x200, "--pad-header", "--slot-size", size, "--align", align]
    imgtool("sign", "--key", folder / "key.pem", *options, "--pad", *more, folder / "firmware.bin", out)
    return out.read_bytes()


@pytest.mark.parametrize(("size", "align"), SLOTS)
def test_the_slot_is_what_imgtool_pads(bench, size, align):
    for more, state in (((), TEST), (("--confirm",), PERMANENT)):
        theirs = padded(bench, size, align, *more)
        assert len(theirs) == size
        image = without_trailer(theirs)
        flash = Nor(CHIP, Clock())
        flash.load(256 * K, image)
        flash.load(256 * K + size - 4 * K, bytes(4 * K))  # what an earlier update has left
        slot = McubootSlot(Region(flash, 256 * K, size), align)
        assert len(image) <= slot.room == mcuboot.slot_room(size, align)
        (slot.set_test if state == TEST else slot.set_permanent)()
        mine = bytearray(size)
        flash.read(256 * K, mine)
        assert slot.state() == state and mine == theirs


def without_trailer(data):
    """Return the image: what is in front of the erased bytes behind its last area."""
    header, protected, size = (int.from_bytes(data[at : at + n], "little") for at, n in ((8, 2), (10, 2), (12, 4)))
    end = header + size + protected
    return data[: end + int.from_bytes(data[end + 2 : end + 4], "little")]


def test_an_image_that_would_touch_the_trailer_is_refused_as_imgtool_does(bench):
    image = without_trailer(padded(bench, 64 * K, 8))
    with pytest.raises(ValueError, match="the slot room for 20480"):
        mcuboot.parse(image, 24 * K)
    assert mcuboot.parse(image, 28 * K)["version"] == "1.2.3"
    out = bench / "no.bin"
    imgtool("sign", "--version", "1", "--header-size", 0x200, "--pad-header", "--slot-size", 20 * K, "--align", 8,
            bench / "firmware.bin", out, code=2)  # fmt: skip
