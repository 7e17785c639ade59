"""The writer of banks on a disk over a disk in memory: what it writes, reads back and hashes, stretch by stretch."""

import hashlib
import random
import time

import pytest

from agent.errors import FlashError
from ports.cpython_linux import stretch_writer
from ports.cpython_linux.stretch_writer import StretchWriter
from tests.bench.linux_files import MIB

REAL_SHA256 = hashlib.sha256
IMAGE = random.Random(5).randbytes(9 * MIB + 4321)


class Region:
    """A disk in memory that does not hold one byte; it counts what it is asked."""

    page, size = 2 * MIB, 10 * MIB

    def __init__(self, bad=None):
        self.data, self.bad, self.calls = bytearray(self.size), bad, []

    def read(self, addr, into):
        self.calls.append(("read", addr, len(into)))
        into[:] = self.data[addr : addr + len(into)]

    def program(self, addr, data):
        self.calls.append(("program", addr, len(data)))
        assert addr // self.page == (addr + len(data) - 1) // self.page
        self.data[addr : addr + len(data)] = data
        if self.bad is not None and addr <= self.bad < addr + len(data):
            self.data[self.bad] ^= 4

    def sync(self, addr=0, size=0):
        self.calls.append(("sync", addr, size))


def drive(region, image, at=0, dirty_from=0xFFFFFFFF, step=100000):
    """Write an image; return (writer, announced stretches)."""
    announced = []
    writer = StretchWriter(region, (), lambda *words: announced.append((*words, len(region.calls))))
    writer.begin(len(image), at, dirty_from)
    taken = at
    while writer.position < len(image):
        if writer.busy:
            writer.step()
            continue
        piece = image[taken : taken + step]
        writer.room()[: len(piece)] = piece
        writer.take(len(piece))
        taken += len(piece)
    return writer, announced


def test_each_stretch_is_announced_written_synced_and_read_back():
    region = Region()
    writer, announced = drive(region, IMAGE)
    assert writer.digest() == hashlib.sha256(IMAGE).digest() and region.data[: len(IMAGE)] == IMAGE
    assert [each[:2] for each in announced] == [(0, 4200000), (4200000, 8400000), (8400000, len(IMAGE))]
    order = [(name, addr) for name, addr, _ in region.calls if name != "read"]
    assert order[:4] == [("program", 0), ("program", 2 * MIB), ("program", 4 * MIB), ("sync", 0)]
    for start, end, calls in announced:
        done = [addr for name, addr, _ in region.calls[:calls] if name == "program"]
        assert all(addr < start for addr in done) and end > start
        behind = [call for call in region.calls[calls:] if call[0] in ("program", "sync")]
        assert behind[0][0] == "program"


@pytest.mark.parametrize("bad", [0, 5 * MIB, 4200000 - 1, 4200000, 131072 + 4200000, len(IMAGE) - 1])
def test_what_the_disk_does_not_hold_is_told(bad):
    with pytest.raises(FlashError, match="does not hold what was written at 0x"):
        drive(Region(bad=bad), IMAGE)


def test_a_read_that_was_disturbed_is_done_again_behind_a_sync():
    class Disturbed(Region):
        left = 2

        def read(self, addr, into):
            super().read(addr, into)
            if self.calls[-2][0] != "program" and len(into) > MIB and self.left:
                self.left -= 1
                into[len(into) // 2] ^= 1

    region = Disturbed()
    writer, _ = drive(region, IMAGE, dirty_from=0)
    assert writer.digest() == hashlib.sha256(IMAGE).digest()
    names = [call[0] for call in region.calls]
    assert names[3:9] == ["sync", "read", "sync", "read", "sync", "read"]


def test_the_bytes_behind_a_stretch_are_looked_at_with_its_read_back():
    region = Region()
    drive(region, IMAGE)
    sizes = [size for name, _, size in region.calls if name == "read"]
    assert sizes == [4096, 4200000 + 4096, 4200000 + 4096, len(IMAGE) - 8400000]


@pytest.mark.parametrize("same", [0, 4200000, 8400000, len(IMAGE)])
def test_what_a_look_says_is_of_its_place(same):
    region = Region()
    region.data[:same] = IMAGE[:same]
    writer, announced = drive(region, IMAGE)
    assert writer.digest() == hashlib.sha256(IMAGE).digest() and region.data[: len(IMAGE)] == IMAGE
    assert [start for start, _, _ in announced] == [start for start in (0, 4200000, 8400000) if start >= same]


class SlowHash:
    """A SHA-256 that is last to end."""

    def __init__(self):
        self._sha, self.done = REAL_SHA256(), 0

    def update(self, data):
        time.sleep(0.05)
        self._sha.update(data)
        self.done += len(data)

    def digest(self):
        return self._sha.digest()


@pytest.mark.parametrize("threads", [True, False])
def test_a_stretch_counts_once_it_is_hashed_too(monkeypatch, threads):
    made = []
    monkeypatch.setattr(stretch_writer.hashlib, "sha256", lambda: made.append(SlowHash()) or made[0])
    if not threads:
        monkeypatch.setattr(stretch_writer._thread, "start_new_thread", no_more_threads)
    writer = StretchWriter(Region(), (), lambda *words: None)
    writer.begin(len(IMAGE), 0, 0)
    while writer.position < len(IMAGE):
        assert made[0].done == writer.position
        piece = IMAGE[writer.position :][: stretch_writer.STRETCH]
        writer.room()[: len(piece)] = piece
        writer.take(len(piece))
        while writer.busy:
            writer.step()
    assert made[0].done == len(IMAGE) and writer.digest() == REAL_SHA256(IMAGE).digest()


def no_more_threads(*words):
    raise RuntimeError("can't start new thread")


def test_an_image_begun_by_another_is_not_vouched_for():
    region = Region()
    region.data[: 4 * MIB] = IMAGE[: 4 * MIB]
    writer, _ = drive(region, IMAGE, 4 * MIB, 4 * MIB)
    assert writer.digest() is None and region.calls[0] == ("sync", 0, len(IMAGE))
    assert region.data[: len(IMAGE)] == IMAGE
