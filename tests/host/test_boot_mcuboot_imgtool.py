"""The trailer that the agent writes is the one that imgtool pads an image with, byte for byte."""

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.installer import DONE, Installer
from agent.journal import Journal
from agent.record import Record
from flash_tools.images import Wish, make, mcuboot
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing.keys import key_id, new_key, public_bytes, write_key
from hal.boot_mcuboot import PERMANENT, TEST, McubootSlot
from hal.hardware import Bank
from hal.region import Region
from ports.cpython_linux.signature import verify
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


@pytest.mark.parametrize("more", [(), ("--confirm",)])
def test_what_the_agent_installs_from_a_package_is_the_slot_that_imgtool_pads(bench, more):
    """From imgtool's image through a signed package and the agent's own installer to the last byte of the slot."""
    size, key, layout = 236 * K, new_key(), "0123456789abcdef"
    theirs = padded(bench, size, 16, *more)
    (bench / "image.bin").write_bytes(without_trailer(theirs))
    made = make(bench / "image.bin", Wish(slot_size=size, align=16))
    package = build_package(made.data, Target("p", ["m"], layout, made.version, 1, made.kind), key)
    flash = Nor(CHIP, Clock())
    for start in (256 * K, 256 * K + 8 * K, 256 * K + size - 4 * K):
        flash.load(start, bytes(range(256)) * 16)  # what an earlier image and its trailer have left
    slot = McubootSlot(Region(flash, 256 * K, size), 16)
    public = public_bytes(key)
    identity = SimpleNamespace(product="p", model="m", anchors=((key_id(public), public),), verify=verify)
    journal = Journal(Region(flash, 0, 48 * K))
    bank = Bank(Region(flash, 256 * K, slot.room), Region(flash, 64 * K, 4 * K))
    work, stream = (
        Installer(bank, identity, None, Record(journal)),
        SimpleNamespace(read_into=io.BytesIO(package).readinto),
    )
    work.start(bank.image.erase_units, layout, None)
    slot.clear()
    assert any(work.step(stream) == DONE for _ in range(5000)) and work.manifest.kind == "mcuboot"
    slot.set_permanent() if more else slot.set_trial(1, 1)
    mine = bytearray(size)
    flash.read(256 * K, mine)
    assert mine == theirs
