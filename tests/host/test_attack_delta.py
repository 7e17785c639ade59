"""Deltas: what the tools build is what the device makes, and orders that are signed but mad are refused in bounded work."""

import os
import struct
import zlib
from binascii import crc32
from io import BytesIO
from random import Random

import pytest

from agent.delta import DeltaBlock
from agent.errors import PackageError
from agent.fields import Fields
from agent.inflate import inflated
from agent.manifest import Manifest
from agent.package import BLOCK_HEAD, END, HAVE_BLOCK, HAVE_MANIFEST, PackageReader
from agent.signature import open_jws
from agent.sizes import DELTA_OUT
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing.keys import key_id, new_key, public_bytes
from tests.powercut.worlds import verify_signature

KEY = new_key()
ANCHORS = ((key_id(public_bytes(KEY)), public_bytes(KEY)),)
K = 1024
SIZES = (1, 2, 255, 4095, 4096, 4097, 8192, 32767, 32768, 32769, 90000)
LARGE = (DELTA_OUT - 1, DELTA_OUT, DELTA_OUT + 1, 2 * DELTA_OUT + 5)
COUNT = int(os.environ.get("FUMO_DELTAS", "40"))


class Source:
    """The running image, which must not be read outside."""

    def __init__(self, data):
        self.data, self.reads = data, 0

    def read(self, at, into):
        """Copy from it."""
        assert 0 <= at and at + len(into) <= len(self.data)
        self.reads += 1
        into[:] = self.data[at : at + len(into)]


class Pieces:
    """A stream that gives a few bytes at a time."""

    def __init__(self, data, random):
        self.data, self.at, self.random = data, 0, random

    def read_into(self, into):
        """Give some."""
        count = min(len(into), self.random.choice((1, 7, 100, 4000)), len(self.data) - self.at)
        into[:count] = self.data[self.at : self.at + count]
        self.at += count
        return count


def unpack(package, old, random):
    """Return the image that the device makes, in pieces of any size; begin again at some block as after a cut."""
    stream, made, places = Pieces(package, random), bytearray(), []
    reader, manifest = _begin(stream)
    reader.start(manifest, Source(old))
    cut = random.randrange(6)
    while reader.state != END:
        if reader.state == HAVE_BLOCK:
            places.append((reader.offset, len(made)))
            if len(places) == cut:
                reader, _ = _begin(Pieces(package, random))
                stream = Pieces(package, random)
                stream.at = places[-1][0]
                reader.start(manifest, Source(old), *places[-1])
                cut = 0
                continue
            room = memoryview(bytearray(4096))
            while count := reader.read_into(room[: random.choice((1, 255, 256, 257, 4096))]):
                made += room[:count]
        else:
            reader.fill(stream)
    return bytes(made)


def _begin(stream):
    reader = PackageReader()
    while reader.state != HAVE_MANIFEST:
        reader.fill(stream)
    return reader, Manifest.parse(open_jws(reader.manifest_text, ANCHORS, verify_signature))


def image(random, size):
    """Return bytes of some kind: zeros, noise, text, a mixture."""
    kind = random.randrange(5)
    if kind == 0:
        return bytes(size)
    if kind == 1:
        return random.randbytes(size)
    if kind == 2:
        return (b"def f%d(): return 1\n" % random.randrange(99) * (size // 10 + 2))[:size]
    out = bytearray()
    while len(out) < size:
        out += random.choice(
            (bytes(random.randrange(1, 9000)), random.randbytes(random.randrange(1, 3000)), b"\xff" * 700)
        )
    return bytes(out[:size])


def changed(random, old, size):
    """Return an image of `size` bytes, like the old one or not at all."""
    new = bytearray(old if random.random() < 0.8 else image(random, size))
    for _ in range(random.choice((0, 1, 5, 60))):
        at, what = random.randrange(len(new) + 1), random.randrange(4)
        piece = random.randbytes(random.choice((1, 4, 300)))
        if what == 0:
            new[at : at + len(piece)] = piece
        elif what == 1:
            new[at:at] = piece
        elif what == 2:
            del new[at : at + random.randrange(2000)]
        else:
            new[at:at], new[: at // 3] = new[: at // 3], b""
    return bytes((new + image(random, max(1, size - len(new))))[:size]) if len(new) < size else bytes(new[:size])


@pytest.mark.parametrize("seed", range(COUNT))
def test_what_is_built_is_what_the_device_makes(seed):
    random = Random(seed)
    sizes = SIZES if seed % 5 else LARGE
    old = image(random, random.choice(sizes))
    new = changed(random, old, random.choice((len(old), random.choice(sizes))))
    target = Target("p", ["m"], "0" * 16, "1", 1)
    package = build_package(new, target, KEY, encoding="delta", old_image=old, built=1)
    assert unpack(package, old, random) == new


# -- orders that nobody builds -----------------------------------------------------------------------------------------


def expected(orders, old, at, size):
    """Return what the orders make, None where they are wrong: the page docs/package.md in other words."""
    out, pos = bytearray(), 0

    def number():
        nonlocal pos
        value = 0
        for group in range(5):
            byte = orders[pos]
            pos += 1
            value |= (byte & 0x7F) << 7 * group
            if byte < 0x80:
                return value
        raise IndexError

    try:
        while len(out) < size:
            value = number()
            if value & 3 == 3:
                half = value >> 3
                at += -half if value & 4 else half
                value = number()
            order, count = value & 3, value >> 2
            if order == 3 or not 0 < count <= size - len(out):
                return None
            given = b""
            if order != 1:
                given, pos = orders[pos : pos + count], pos + count
                if len(given) < count:
                    return None
            if order != 2:
                if at < 0 or at + count > len(old):
                    return None
                read, at = old[at : at + count], at + count
                given = bytes((a + b) & 255 for a, b in zip(given, read, strict=False)) if order == 0 else read
            out += given
    except IndexError:
        return None
    return bytes(out) if pos == len(orders) else None


def number(value, long=False):
    """Return a number in groups of seven bits, with idle ones if `long`."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    while long and len(out) < 5:
        out[-1] |= 0x80
        out.append(0)
    return bytes(out)


def mad_orders(random, old, size):
    """Return orders, many of them sensible."""
    out, left = bytearray(), size
    for _ in range(random.randrange(1, 30)):
        if random.random() < 0.4:
            value = random.choice((0, 1, random.randrange(len(old) + 1), 1 << 30, (1 << 32) - 1))
            out += number((value << 3 | random.randrange(2) << 2 | 3) & (1 << 35) - 1, random.random() < 0.2)
        order = random.choice((0, 1, 2, 2))
        count = min(left, random.choice((1, 5, 300, left)))
        count = count if random.random() < 0.97 else random.choice((0, left + 1, 1 << 31))
        out += number((count << 2 | order) & (1 << 35) - 1, random.random() < 0.2)
        if order != 1:
            out += random.randbytes(min(count, 2000))
        left -= min(left, count)
        if not left:
            break
    if random.random() < 0.1:
        out = out[: random.randrange(len(out) + 1)]
    return bytes(out) + (b"\0" if random.random() < 0.05 else b"")


def made(plain, old, at, size, random):
    """Return what the device's decoder makes, None where it refuses."""
    block, out = DeltaBlock(plain, Source(old), len(old), at, size), bytearray()
    try:
        while len(out) < size:
            room = memoryview(bytearray(min(size - len(out), random.choice((1, 100, 256, 4096)))))
            if block.readinto(room) != len(room):
                return None
            out += room
        return bytes(out) if not block.readinto(bytearray(1)) else None
    except (PackageError, OSError, ValueError):
        return None


@pytest.mark.parametrize("seed", range(4))
def test_any_orders_make_what_the_page_says_or_are_refused(seed):
    random, good = Random(seed), 0
    for _ in range(1500):
        old, size = random.randbytes(random.choice((1, 50, 5000))), random.choice((1, 20, 700, 5000))
        at = random.choice((0, 0, random.randrange(len(old) + 2), 1 << 31))
        orders = mad_orders(random, old, size)
        wanted = expected(orders, old, at, size)
        assert made(BytesIO(orders), old, at, size, random) == wanted
        packer = zlib.compressobj(9, zlib.DEFLATED, -9, 9)
        packed = packer.compress(orders) + packer.flush()
        assert made(inflated(BytesIO(packed), 9), old, at, size, random) == wanted
        good += wanted is not None
    assert 200 < good < 1400


class _Counted:
    def __init__(self, plain):
        self._plain, self.reads = plain, 0

    def readinto(self, into):
        self.reads += 1
        return self._plain.readinto(into)


def test_the_work_of_a_block_is_bounded():
    """The worst that 4 KiB of packed bytes can ask for: a jump in five bytes and one byte of image, and again."""
    orders = (number(3 | 1 << 3, True) + number(1 | 1 << 2, True) + number(7 | 2 << 3, True) + number(5, True)) * (
        1 << 17
    )
    packer = zlib.compressobj(9, zlib.DEFLATED, -12, 9)
    packed = packer.compress(orders) + packer.flush()
    plain, source = _Counted(inflated(BytesIO(packed), 12)), Source(bytes(100000))
    block = DeltaBlock(plain, source, 100000, 5000, DELTA_OUT)
    room, reads = memoryview(bytearray(4096)), []
    for _ in range(4):
        before = plain.reads + source.reads
        try:
            assert block.readinto(room) == 4096
        except PackageError:
            break
        reads.append(plain.reads + source.reads - before)
    assert max(reads) <= 4096 * 11


@pytest.mark.parametrize("size", [0, DELTA_OUT + 1, DELTA_OUT + 4096, 1 << 31])
def test_a_block_that_claims_too_much_is_refused(size):
    manifest = Fields()
    manifest.size, manifest.packed_max, manifest.package_size = 1 << 29, 4096, 1 << 29
    manifest.encoding, manifest.source_size = "delta", 100
    reader = PackageReader()
    reader.start(manifest, Source(bytes(100)), 100, 0)
    head = struct.pack(BLOCK_HEAD[:-1], 1, 9, 10, 0, size, 0)
    stream = Pieces(head + struct.pack("<I", crc32(bytes(10), crc32(head))) + bytes(10), Random(1))
    with pytest.raises(PackageError):
        while True:
            reader.fill(stream)
