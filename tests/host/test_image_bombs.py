"""Images that unpack to too much, go round, or break what reads them: refused soon, and in bounded memory."""

import hashlib
import io
import json
import struct
import time
import tracemalloc
import zipfile
import zlib
from functools import lru_cache
from random import Random
from types import SimpleNamespace

import pytest

from flash_tools import images
from flash_tools.errors import ToolError
from flash_tools.images import bounded, lfs2, romfs, tree, zip_image
from flash_tools.packages import package_diff, package_read, package_show
from flash_tools.packages.package_build import sign_jws
from tests.host.images import MODULES
from tests.host.packages import KEY


def bounded_refusal(work, most_mib=200, most_s=10):
    tracemalloc.start()
    before = time.process_time()
    try:
        with pytest.raises((ValueError, ToolError)) as caught:
            work()
        assert tracemalloc.get_traced_memory()[1] < most_mib << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - before < most_s
    return str(caught.value)


def test_a_zip_bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in "abcd":
            archive.writestr(name, bytes(40 << 20))
    assert len(out.getvalue()) < 200000
    assert "unpacks to more" in bounded_refusal(lambda: zip_image.listing(out.getvalue()))


def test_a_zip_that_lies_about_its_size():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(100 << 20))
    data = bytearray(out.getvalue())
    at = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)
    try:
        assert zip_image.listing(bytes(data))["files"]["a"]["size"] <= 10
    except ValueError:
        pass


def test_a_zip_with_entries_without_end():
    entry = b"PK\x01\x02" + bytes(42)
    data = entry * 60000
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 60000, 60000, len(data), 0, 0)
    assert "more than" in bounded_refusal(lambda: zip_image.listing(data + end))


def test_a_zip_with_a_file_twice_or_locked():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    with pytest.raises(ValueError, match="twice"):
        zip_image.listing(out.getvalue())
    locked = bytearray(zip_image.build({"a": b"1"}))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(magic) + at] |= 1
    with pytest.raises(ValueError, match="password"):
        zip_image.listing(bytes(locked))


def test_romfs_nested_without_end():
    data = b""
    for _ in range(3000):
        inner = b"\x01a" + data
        data = b"\x04" + bytes([0x80 | len(inner) >> 14, 0x80 | len(inner) >> 7 & 0x7F, len(inner) & 0x7F]) + inner
    size = len(data)
    data = romfs.MAGIC + bytes([0x80 | size >> 14, 0x80 | size >> 7 & 0x7F, size & 0x7F]) + data
    assert "too deep" in bounded_refusal(lambda: romfs.listing(data))


def test_romfs_that_points_at_the_same_bytes_again_and_again():
    body = bytes(1 << 20)
    pointer = _number(1 << 20) + _number(20)
    file = b"\x01a" + b"\x03" + bytes([len(pointer)]) + pointer
    data = (b"\x05" + bytes([len(file)]) + file) * 500 + b"\x02" + _number(len(body)) + body
    assert "larger than an image" in bounded_refusal(lambda: romfs.listing(romfs.MAGIC + _number(len(data)) + data))


def _number(value):
    return bytes([0x80 | value >> 21 & 0x7F, 0x80 | value >> 14 & 0x7F, 0x80 | value >> 7 & 0x7F, value & 0x7F])


def test_a_package_bomb_is_read_in_bounded_memory():
    """Nearly half a gigabyte of zeros in less than a megabyte of package."""
    piece = zlib.compressobj(9, zlib.DEFLATED, -12)
    packed = piece.compress(bytes(32768)) + piece.flush()
    blocks, count = [], 4000
    for number in range(count):
        head = struct.pack("<BBHIII", 1, 0, len(packed), number * 32768, 32768, 0)
        blocks.append(head + struct.pack("<I", zlib.crc32(packed, zlib.crc32(head))) + packed)
    whole = signed(b"".join(blocks), count * 32768)
    tracemalloc.start()
    try:
        found = package_show.describe(whole)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
    assert found["blocks"] == count and "larger than is looked into" in found["contents"]["error"]


def signed(blocks, size):
    digest = hashlib.sha256()
    for _ in range(size // (1 << 15)):
        digest.update(bytes(1 << 15))
    fields = {"product": "p", "models": ["m"], "layout": "0" * 16, "version": "1", "built": 1, "counter": 0, "kind": "raw",
              "size": size, "sha256": digest.hexdigest(), "encoding": "deflate", "packed_max": 4096}  # fmt: skip
    length = 0
    while True:
        text = sign_jws(json.dumps(fields | {"package_size": length}).encode(), KEY)
        if length == 8 + len(text) + len(blocks):
            return b"FUP1" + struct.pack("<I", len(text)) + text + blocks
        length = 8 + len(text) + len(blocks)


def test_files_that_are_too_large_are_not_read(tmp_path):
    huge = tmp_path / "huge"
    with open(huge, "wb") as file:
        file.truncate(1 << 34)
    for work in (lambda: images.make(huge, images.Wish()), lambda: package_read.read_file(huge)):
        bounded_refusal(work, 1, 1)
    folder = tmp_path / "folder"
    folder.mkdir()
    huge.rename(folder / "huge.py")
    bounded_refusal(lambda: tree.read_tree(folder), 1, 1)


# -- littlefs: C code in a process of its own ---------------------------------------------------------------------------


@lru_cache
def littlefs():
    return lfs2.build({name: data[:5000] for name, data in MODULES.items()})


class Fake:
    """A file system that goes round, or says that its files are larger than it is."""

    def __init__(self, kind, size):
        self.entry = SimpleNamespace(name="a", type=kind, size=size)

    def scandir(self, path):
        return [self.entry]

    def open(self, path, mode):
        return io.BytesIO(b"x")


def test_a_littlefs_that_says_too_much():
    with pytest.raises(ValueError, match="goes round"):
        list(lfs2._files(Fake(2, 0), "", 0, [8192, 10000]))
    with pytest.raises(ValueError, match="more than its size"):
        list(lfs2._files(Fake(1, 8193), "", 0, [8192, 10000]))
    assert list(lfs2._files(Fake(1, 8192), "", 0, [8192, 10000])) == [("a", b"x")]


@pytest.mark.parametrize("seed", range(24))
def test_a_damaged_littlefs_ends_soon(seed):
    draw, data = Random(seed), bytearray(littlefs())
    for _ in range(1 + seed % 6):
        at = draw.choice((draw.randrange(8192), draw.randrange(len(data))))
        data[at : at + 4] = draw.choice(
            (bytes(4), b"\xff" * 4, draw.randbytes(4), struct.pack("<I", draw.randrange(20)))
        )
    before = time.monotonic()
    try:
        images.contents("lfs2", bytes(data))
    except ValueError:
        pass
    assert time.monotonic() - before < 35


def test_a_littlefs_that_is_none():
    for data in (
        b"",
        b"x",
        bytes(8192),
        b"\xff" * 8192,
        littlefs()[:-4096],
        littlefs() + bytes(4096),
        littlefs()[4096:],
    ):
        with pytest.raises(ValueError):
            images.contents("lfs2", data)


def test_what_crashes_hangs_or_eats_is_ended(monkeypatch):
    """The process is given a crash, a loop, and too much memory instead of a file system."""
    for module, function, seconds, why in (
        ("tests.host.test_image_bombs", "crash", 5, "breaks"),
        ("tests.host.test_image_bombs", "loop", 1, "too long"),
        ("tests.host.test_image_bombs", "eat", 5, "MemoryError"),
    ):
        monkeypatch.setattr(bounded, "_COMMAND", ("-c", _CHILD % (module, function, seconds)))
        before = time.monotonic()
        with pytest.raises(bounded.BoundedError, match=why):
            bounded.run("lfs2", b"")
        assert time.monotonic() - before < 25  # else the process was left to the time-out


_CHILD = """
import sys
from flash_tools.images import bounded
bounded._JOBS["lfs2"] = (%r, %r, %d, 300)
bounded._main(*sys.argv[1:])
"""


def crash(data):
    import ctypes

    ctypes.string_at(0)


def loop(data):
    while True:
        pass


def eat(data):
    return len(bytearray(1 << 30))


def test_a_delta_of_bytes_that_are_all_the_same_ends():
    before = time.monotonic()
    package_diff.estimate_delta(bytes(300000), bytes(300001))
    assert time.monotonic() - before < 75
