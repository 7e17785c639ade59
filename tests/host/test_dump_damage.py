"""Whatever stands on a flash gives a dump: real flashes with random damage, and such as never were a device's."""

import json
import random
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_tools import dump
from flash_tools.dump import text
from flash_tools.dump.snapshot import Image
from tests.host import dead_flashes
from tests.host.dead_flashes import ANCHORS, with_secrets

SECTORS = tuple(range(0, 64 * 1024, 4096))  # everything but the banks
NAMES = ("tiny/none/good", "tiny/none/crash")


@lru_cache
def images():
    """Return real flashes of all phases, with settings and a factory region."""
    found = []
    for name in NAMES:
        for cut_at in range(1, 90, 12):
            dead = dead_flashes.run(name, cut_at, "half", cut_at)
            if dead:
                found.append(with_secrets(dead))
    return found


def shows(image, layout=None):
    """Dump it, and show it both ways."""
    found = dump.look(Image(image), layout, ANCHORS)
    assert json.loads(json.dumps(found))
    lines = text.lines(found)
    assert lines and all(line.isprintable() for line in lines)
    return found


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_random_damage(data):
    image = bytearray(data.draw(st.sampled_from(images())))
    seed = random.Random(data.draw(st.integers(0, 1 << 32)))
    for _ in range(data.draw(st.integers(1, 30))):
        at = seed.choice(SECTORS) + seed.choice((seed.randrange(64), seed.randrange(512), seed.randrange(4096)))
        size = seed.choice((1, 1, 2, 64, 300))
        piece = seed.choice((bytes(size), b"\xff" * size, seed.randbytes(size)))
        image[at : at + size] = piece
    shows(bytes(image[: len(images()[0])]), data.draw(st.sampled_from((None, "sim_nor"))))


@given(st.integers(1, 262144), st.sampled_from((None, "sim_nor")))
@settings(max_examples=40, deadline=None)
def test_cut_off_anywhere(size, layout):
    shows(images()[-1][:size], None)


@pytest.mark.parametrize("layout", [None, "sim_nor"])
@pytest.mark.parametrize(
    "cells", [b"\xff", b"\x00", b"\xa5\x5a", b"FUB1", b"FUF1" + b"\x10" * 60, b"\xf0\x0b" + b"\1" * 62]
)
@pytest.mark.parametrize("size", [1, 63, 4096, 5000, 1 << 20])
def test_what_never_was_a_device(cells, size, layout):
    if layout and size < 1 << 20:
        layout = None  # too small for that board: refused in one line, see test_dump_cli.py
    found = shows((cells * (size // len(cells) + 1))[:size], layout)
    if layout is None and cells != b"FUB1":
        assert found["verdict"]["runs"] is None and found["flash"]["layout_found_by"] == "unknown"
    if cells == b"\xff":
        assert found["areas"] == []


def checked(payload):
    """Return a slot that is whole, whatever it says."""
    import struct
    import zlib

    head = payload[:60].ljust(60, b"\xff")
    return head + struct.pack("<I", zlib.crc32(head[: 2 + (head[1] & 0x3F)]))


@given(st.lists(st.tuples(st.integers(1, 20), st.binary(max_size=58)), min_size=1, max_size=12))
@settings(max_examples=400, deadline=None)
def test_values_that_no_agent_has_written(values):
    image = bytearray(images()[0])
    for start in (0x3000, 0x8000):
        at = next(
            at
            for at in range(start + 64, start + 4096, 64)
            if image[at : at + 4096 - at % 4096].count(0xFF) == 4096 - at % 4096
        )
        for key, data in values:
            if at % 4096 + 64 <= 4096:
                image[at : at + 64] = checked(bytes((key, len(data))) + data)
                at += 64
    shows(bytes(image))


def test_sectors_that_cannot_be_read_are_told():
    class Bad(Image):
        def read(self, addr, into):
            if addr == 0x3000:
                from agent.errors import FlashError

                raise FlashError("the flash does not answer")
            super().read(addr, into)

    found = dump.look(Bad(images()[0]), None, ANCHORS)
    assert found["flash"]["unreadable_sectors"] == [0x3000] and found["journal"][0]["why_not"] == "erased"
