"""Layouts: nothing overlaps, nothing sticks out, and a chip that wraps is found out."""

from agent.errors import FlashError
from hal.region import carve, layout_hash, wraps
from tests.portable.boards import make_flash
from tests.portable.check import raises

GOOD = (("boot", 0, 12288), ("bank", 65536, 65536))


def test_a_layout_is_carved():
    regions = carve(make_flash(), GOOD)
    regions["bank"].erase(0, 65536)
    regions["bank"].program(256, b"\x01")
    data = bytearray(2)
    regions["bank"].read(255, data)
    assert data == b"\xff\x01"


def test_bad_layouts_are_refused():
    for part in (
        ("x", 8192, 4096),
        ("x", 65535 + 65536, 4096),
        ("x", (1 << 20) - 4096, 8192),
        ("x", 200000, 4096),
        ("x", 0, 0),
    ):
        with raises(FlashError):
            carve(make_flash(), GOOD + (part,))
    with raises(FlashError):
        carve(make_flash(), GOOD + (("boot", 16384, 4096),))


def test_a_region_keeps_to_itself():
    region = carve(make_flash(), GOOD)["bank"]
    for wrong in (
        lambda: region.read(65535, bytearray(2)),
        lambda: region.program(-1, b"a"),
        lambda: region.erase(65536, 4096),
    ):
        with raises(FlashError):
            wrong()


def test_the_hash_tells_layouts_apart():
    assert layout_hash(GOOD) == layout_hash((GOOD[1], GOOD[0]))
    assert len(layout_hash(GOOD)) == 16
    assert layout_hash(GOOD) != layout_hash((("boot", 0, 12288), ("bank", 65536, 131072)))


def test_a_chip_that_wraps_is_found_out():
    flash = make_flash()
    flash.program(4096, b"only once")
    assert not wraps(flash, 4096)
    flash.faults.wrap = flash.size // 2
    assert wraps(flash, 4096)
