"""Packages of large blocks: for banks that are files or partitions, and for nobody else."""

import random
import struct

import pytest

from agent import package as fup
from agent.errors import PackageError
from agent.manifest import check
from agent.progress import Progress
from agent.sizes import BLOCK_BUFFER
from flash_tools.errors import ToolError
from flash_tools.packages.package_build import LARGE_BLOCK, Target, build_package
from flash_tools.packages.package_read import open_package
from flash_tools.signing.keys import new_key, public_bytes
from tests.dm.objects import DictJournal
from tests.portable.test_package_blocks import Manifest, _block, _read, _refused

KEY = new_key()
NOISE = random.Random(1).randbytes(3 * LARGE_BLOCK + 70000)
TARGET = Target("p", ["m"], "0" * 16, "1", 0)


@pytest.mark.parametrize("encoding", ["none", "deflate"])
@pytest.mark.parametrize("image", [NOISE, NOISE[:5], NOISE[:65535], NOISE[:65536], bytes(900000) + NOISE[:90000]])
def test_they_hold_what_was_put_in(encoding, image):
    data = build_package(image, TARGET, KEY, encoding=encoding, packed_max=LARGE_BLOCK)
    opened = open_package(data, public_bytes(KEY))
    assert opened.image == image and opened.manifest.packed_max == LARGE_BLOCK
    assert sum(block.packed for block in opened.blocks) == len(data) - opened.blocks[0].offset - _head(data)
    if encoding == "none":
        assert len(opened.blocks) == -(-len(image) // LARGE_BLOCK)


def _head(data):
    return fup.HEAD_SIZE + struct.unpack_from("<I", data, 4)[0]


def test_a_microcontroller_refuses_them_before_anything_else():
    data = build_package(NOISE, TARGET, KEY, encoding="none", packed_max=LARGE_BLOCK)
    manifest = open_package(data).manifest
    who = type("Who", (), {"product": "p", "model": "m"})
    check(manifest, who, 1 << 20, "0" * 16, None, LARGE_BLOCK)
    with pytest.raises(PackageError, match="larger than %d" % BLOCK_BUFFER):
        check(manifest, who, 1 << 20, "0" * 16, None)


@pytest.mark.parametrize("packed_max", [4095, BLOCK_BUFFER + 1, LARGE_BLOCK - 1, LARGE_BLOCK + 1])
def test_nothing_between_is_built(packed_max):
    with pytest.raises(ToolError):
        build_package(NOISE, TARGET, KEY, packed_max=packed_max)


def _large(blocks, size):
    manifest = Manifest(blocks, size, packed_max=LARGE_BLOCK)
    start = fup.PackageReader.start
    try:
        fup.PackageReader.start = lambda self, *words: start(self, *words, packed_max=LARGE_BLOCK)
        return _read(blocks, manifest)
    finally:
        fup.PackageReader.start = start


def test_only_a_block_that_two_bytes_cannot_say_leaves_its_size_out():
    for size in (65536, 70000, LARGE_BLOCK):
        blocks = _block(NOISE[:size], 0, size, packed_size=0)
        assert _large(blocks, size) == NOISE[:size]
        _refused(blocks, size)
    for size, said in ((65535, 0), (10, 0), (LARGE_BLOCK + 4096, 0)):
        with pytest.raises(PackageError):
            _large(_block(NOISE[:size], 0, size, packed_size=said), size)
    with pytest.raises(PackageError):  # deflated ones have to say it
        _large(_block(NOISE[:70000], 0, 70000, kind=1, packed_size=0), 70000)


class Tallying(DictJournal):
    """Counts tallies."""

    def __init__(self):
        super().__init__()
        self.tallies = 0

    def tally(self, key, data):
        self.tallies += 1
        return True

    def tail(self, key, into):
        return 0


def test_what_a_tally_cannot_say_waits_for_the_next_note_and_so_does_what_follows():
    journal = Tallying()
    progress = Progress(journal)
    progress.begin(1000, 0, 0, bytes(32))
    progress.block_done(4116, 4096)
    assert journal.tallies == 1
    for packed, size in ((70000, 4096), (4116, 4096), (100, LARGE_BLOCK + 4096), (4116, 4096)):
        progress.block_done(packed, size)
        assert journal.tallies == 1
    assert Progress(journal).package_at == 1000
    progress.begin(progress.package_at, progress.image_at, 0, bytes(32))
    progress.block_done(4116, 4096)
    assert journal.tallies == 2 and Progress(journal).package_at == 1000 + 3 * 4116 + 70100
