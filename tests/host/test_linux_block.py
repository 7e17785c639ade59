"""ports/cpython_linux/block.py: a file as a flash; what is read is what is on the disk."""

import mmap
import os
import random

import pytest

from agent.errors import FlashError
from ports.cpython_linux import block
from ports.cpython_linux.block import BlockFlash
from tests.bench.linux_files import fill
from tests.host.lossy_disk import LossyDisk

K = 1024
SIZE = 3 * K * K


class Watching:
    """Stands for `os`; keeps which function was called with which file."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        found = getattr(os, name)
        if name not in ("pwrite", "preadv", "fdatasync", "posix_fadvise"):
            return found

        def call(fd, *words):
            done = found(fd, *words)
            self.calls.append((name, fd, *words))
            return done

        return call

    def names(self):
        return [call[0] for call in self.calls]


@pytest.fixture
def path(tmp_path):
    fill(tmp_path / "bank.img", SIZE, b"\0")
    return str(tmp_path / "bank.img")


@pytest.fixture
def flash(path):
    flash = BlockFlash(path)
    yield flash
    flash.close()


def aligned(size, seed=1):
    data = mmap.mmap(-1, size)
    data[:] = random.Random(seed).randbytes(size)
    return data


def test_reads_what_was_programmed_and_erased(flash, path):
    assert flash.size == SIZE and flash.program_unit == 1 and flash.blocking and not flash.busy()
    flash.program(4096 + 16, b"\x12" * 32)
    found = bytearray(64)
    flash.read(4096, found)
    assert found == bytes(16) + b"\x12" * 32 + bytes(16)
    flash.erase(4096, 4096)
    flash.read(4096, found)
    assert found == b"\xff" * 64
    with open(path, "rb") as file:
        assert file.read()[4096:8192] == b"\xff" * 4096
    flash.close()
    flash.close()


@pytest.mark.parametrize("size", [70000, 65536, 1 << 20, (1 << 20) - 512, 4096, 1])
def test_pieces_of_any_size_wherever_they_lie_in_memory(flash, size):
    data = random.Random(size).randbytes(size)
    for addr, piece in ((0, data), (1 << 21, memoryview(aligned(size, size)))):
        flash.program(addr, piece)
        for sync in (False, True):
            if sync:
                flash.sync(addr, size)
            found = bytearray(size)
            flash.read(addr, found)
            assert found == bytes(piece)


def test_a_part_of_a_file_stays_inside_of_it(path):
    flash = BlockFlash(path, start=8192, size=12288)
    flash.program(0, b"a" * 12288)
    flash.close()
    with open(path, "rb") as file:
        assert file.read(32768) == bytes(8192) + b"a" * 12288 + bytes(32768 - 8192 - 12288)
    flash = BlockFlash(path, start=8192, size=1 << 20)
    data, found = memoryview(aligned(1 << 19)), block.aligned(1 << 19)
    flash.program(1 << 16, data)
    flash.read(1 << 16, found)
    flash.close()
    with open(path, "rb") as file:
        assert file.read()[8192 + (1 << 16) :][: 1 << 19] == bytes(data) == bytes(found)


WRONG = [
    lambda flash: flash.read(flash.size, bytearray(1)),
    lambda flash: flash.read(-1, bytearray(1)),
    lambda flash: flash.program(flash.page - 1, b"ab"),
    lambda flash: flash.program(0, b""),
    lambda flash: flash.program(flash.size - 1, b"ab"),
    lambda flash: flash.erase(100, 4096),
    lambda flash: flash.erase(0, 8192),
    lambda flash: flash.erase(flash.size, 4096),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_the_borders_are_kept(flash, wrong):
    with pytest.raises(FlashError):
        wrong(flash)


# -- what is on the disk, and when ------------------------------------------------------------------------------------


def unsynced(path, work, **more):
    disk = LossyDisk(random.Random(1))
    block.os = disk
    try:
        flash = BlockFlash(path, **more)
        work(flash)
        return sum(len(before) for writes in disk.unsynced.values() for _, before in writes)
    finally:
        block.os = os
        flash.close()


def test_at_most_so_much_is_in_doubt(path):
    def programs(flash):
        for i in range(12):
            flash.program(i * 65536, bytes(65536))

    assert unsynced(path, programs) == 12 * 65536
    assert unsynced(path, programs, sync_bytes=4 * 65536) == 2 * 65536
    assert unsynced(path, programs, sync_bytes=0) == 0


@pytest.mark.parametrize(
    "wait",
    [
        lambda flash: flash.busy(),
        lambda flash: flash.sync(),
        lambda flash: flash.read(10, bytearray(5)),
        lambda flash: flash.erase(1 << 20, 4096),
    ],
)
def test_nothing_is_in_doubt_behind_a_read_an_erase_a_sync_or_a_look(path, wait):
    def program(flash):
        flash.program(0, b"note" * 16)

    assert unsynced(path, program) == 64
    assert unsynced(path, lambda flash: (program(flash), wait(flash))) == 0


def test_a_range_is_synced_that_somebody_else_has_written(path):
    watching = Watching()
    with open(path, "r+b") as other:  # a process that was killed
        other.write(b"left" * 1000)
    block.os = watching
    try:
        flash = BlockFlash(path)
        flash.sync()
        assert "fdatasync" not in watching.names()
        flash.sync(0, 4096)
        assert watching.names().count("fdatasync") == 1 and "posix_fadvise" in watching.names()
    finally:
        block.os = os
        flash.close()


def kept(path, addr):
    """Tell whether the kernel has that byte in memory."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.preadv(fd, [bytearray(1)], addr, os.RWF_NOWAIT) == 1
    except BlockingIOError:
        return False
    finally:
        os.close(fd)


def on_a_disk(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    except OSError:
        pytest.skip("the folder of the tests is in memory, or does not know of direct access")
    os.fsync(fd)  # what is on its way to the disk stays in memory, whoever goes past it
    os.close(fd)


def test_large_pieces_go_past_the_memory_of_the_kernel(flash, path):
    on_a_disk(path)
    with open(path, "rb") as file:
        file.read()
    flash.program(0, aligned(1 << 20))
    assert not kept(path, 0) and not kept(path, (1 << 20) - 1)
    flash.program(1 << 20, bytes(1 << 19))  # not aligned: by way of the kernel's memory, which lets go of it
    assert kept(path, 1 << 20)
    flash._let_go(1 << 20, (1 << 20) + (1 << 19))
    flash.busy()
    assert flash._let_go(1 << 20, (1 << 20) + (1 << 19))


def test_what_the_kernel_does_not_let_go_of_is_read_past_it(path):
    on_a_disk(path)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), SIZE) as used:
        assert used[4096 * 3] == 0  # somebody else has it in use
        watching = Watching()
        block.os = watching
        try:
            flash = BlockFlash(path)
            flash.program(4096 * 3, b"z" * 4096)
            found = bytearray(4096)
            flash.read(4096 * 3, found)
            assert found == b"z" * 4096
            assert [call[1] for call in watching.calls if call[0] == "preadv"][-1] == flash._direct
        finally:
            block.os = os
            flash.close()


def direct_reads(flash, *words):
    """Read; return what was found and the sizes of what was read past the kernel's memory."""
    watching = Watching()
    block.os = watching
    try:
        flash.read(*words)
        return [len(call[2][0]) for call in watching.calls if call[0] == "preadv" and call[1] == flash._direct]
    finally:
        block.os = os


def test_large_pieces_are_read_past_the_memory_of_the_kernel_and_without_a_copy(flash, path):
    on_a_disk(path)
    data = random.Random(2).randbytes(1 << 20)
    with open(path, "r+b") as file:
        file.write(data)
    found = block.aligned(1 << 20)
    assert kept(path, 0) and direct_reads(flash, 0, found) == [1 << 20] and bytes(found) == data
    assert direct_reads(flash, 65536, found[:65536]) == [65536] and bytes(found[:65536]) == data[65536:131072]
    assert direct_reads(flash, 0, found[:4096]) == []  # headers and notes: the kernel may keep them


@pytest.mark.parametrize("addr, at, size", [(0, 8, 131072), (512, 0, 131072), (0, 0, 131072 - 8)])
def test_what_cannot_be_read_without_a_copy_is_read_with_one(flash, path, addr, at, size):
    on_a_disk(path)
    data = random.Random(3).randbytes(1 << 18)
    flash.program(0, data)
    flash.sync(0, 1 << 18)
    found = block.aligned(1 << 18)[at : at + size]
    flash.read(addr, found)
    assert bytes(found) == data[addr : addr + size]


def test_a_disk_that_ends_early_is_told(flash, path):
    on_a_disk(path)
    os.truncate(path, 1 << 20)
    with pytest.raises(FlashError, match="gave 65536 bytes of 131072"):
        flash.read((1 << 20) - 65536, block.aligned(131072))


@pytest.mark.parametrize("size", [1, 4096, (2 << 20) - 1, (4 << 20) + 4096])
def test_memory_for_a_disk_has_the_size_that_was_wanted(monkeypatch, size):
    for advice in (mmap.MADV_HUGEPAGE, 12345):  # a kernel without large pages refuses
        monkeypatch.setattr(mmap, "MADV_HUGEPAGE", advice)
        memory = block.aligned(size)
        memory[size - 1] = 7
        assert len(memory) == size and memory[size - 1] == 7
