"""Blocks whose CRC is right and whose words are wrong: a CRC is no signature, anybody on the way can make one."""

import struct

from agent import package
from agent.compat import crc32
from agent.errors import LinkError, PackageError
from agent.signature import MAX_JWS
from agent.sizes import BLOCK_BUFFER
from tests.portable.check import raises
from tests.portable.test_package import Stream

_START = 500


class Manifest:
    """What the reader looks at."""

    def __init__(self, blocks, size, encoding="none", packed_max=BLOCK_BUFFER, package_size=0):
        self.size, self.encoding, self.packed_max = size, encoding, packed_max
        self.package_size = package_size or _START + len(blocks)
        self.source_size = 0


def _block(packed, at, size, kind=0, flags=0, packed_size=None, source_at=0):
    packed_size = len(packed) if packed_size is None else packed_size
    head = struct.pack("<BBHIII", kind, flags, packed_size, at, size, source_at)
    return head + struct.pack("<I", crc32(packed, crc32(head)) & 0xFFFFFFFF) + packed


def _read(blocks, manifest, source=None):
    reader, stream, out = package.PackageReader(), Stream(blocks, 1000), bytearray()
    reader.start(manifest, source, _START, 0)
    buffer = memoryview(bytearray(700))
    while reader.state != package.END:
        if reader.state == package.HAVE_BLOCK:
            out.extend(buffer[: reader.read_into(buffer)])
        else:
            reader.fill(stream)
    return bytes(out)


def _refused(blocks, *arguments, **options):
    with raises(PackageError) as caught:
        _read(blocks, Manifest(blocks, *arguments, **options))
        raise AssertionError(bytes(blocks[:20]))
    assert caught.error.code == 402


def test_two_right_blocks_are_read():
    blocks = _block(b"a" * 4096, 0, 4096) + _block(b"b" * 10, 4096, 10)
    assert _read(blocks, Manifest(blocks, 4106)) == b"a" * 4096 + b"b" * 10


def test_wrong_heads():
    last = b"b" * 10
    for block in (
        _block(last, 0, 10, kind=2),
        _block(last, 0, 10, flags=1),
        _block(last, 1, 10),
        _block(last, 0, 11),
        _block(last, 0, 9),
        _block(last, 0, 0),
        _block(b"", 0, 10),
    ):
        _refused(block, 10)
    _refused(_block(b"c" * 4095, 0, 4095) + _block(b"d" * 5, 4095, 5), 4100)  # ends inside a sector
    _refused(_block(b"c" * 4096, 0, 4096) * 2, 8192)  # the same block again


def test_more_than_a_block_may_make():
    _refused(_block(b"e" * 100, 0, 36864, kind=1), 36864)


def test_packed_blocks_beyond_the_manifest_and_beyond_the_buffer():
    _refused(_block(b"f" * 200, 0, 200), 200, packed_max=199)
    long = b"g" * (BLOCK_BUFFER + 1)
    _refused(_block(long, 0, len(long)), len(long), packed_max=65535)


def test_stored_bytes_more_or_less_than_said():
    _refused(_block(b"h" * 11, 0, 10), 10)
    _refused(_block(b"h" * 9, 0, 10), 10)


def test_a_package_longer_or_shorter_than_its_manifest_says():
    block = _block(b"i" * 10, 0, 10)
    for wrong in (-1, 1):
        _refused(block, 10, package_size=_START + len(block) + wrong)


def test_deflated_bytes_that_never_end():
    _refused(_block(b"\x00" + b"\x05\x00\xfa\xff" + b"hello", 0, 10, kind=1), 10)  # a stored part that is not the last
    _refused(_block(b"\x07", 0, 10, kind=1), 10)  # a block type that does not exist


def test_a_manifest_of_no_or_too_many_bytes():
    for size in (0, MAX_JWS + 1, 0xFFFFFFFF):
        with raises(PackageError):
            _fill(package.MAGIC + struct.pack("<I", size) + bytes(MAX_JWS + 1))
            raise AssertionError(size)
    with raises(PackageError):
        _fill(b"FUP2" + struct.pack("<I", 1) + b"x")
        raise AssertionError("magic")


def _fill(data):
    reader, stream = package.PackageReader(), Stream(data, 1000)
    try:
        while reader.state != package.HAVE_MANIFEST:
            reader.fill(stream)
    except LinkError:
        raise AssertionError("read on")
