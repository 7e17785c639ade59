"""Copies of banks in RAM: what is verified is what runs, room is taken before a decision, and nobody else writes there."""

import errno
import hashlib
import os
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from agent.errors import AgentError
from hal.hardware import Bank
from hal.single_chip import BANK_NAMES
from ports.cpython_linux import ram_copy
from ports.cpython_linux.ram_copy import RamCopies, RamDiskFull
from tests.banked import Trust
from tests.host.linux_board import Board, image

IMAGE = image("1.0")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Board(tmp_path_factory.mktemp("board"), {})


@pytest.fixture
def board(made):
    kept = made.flash.read_bytes()
    yield made
    made.flash.write_bytes(kept)


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "ram"
    found.mkdir(0o700)
    return found


class Flaky:
    """A region that reads wrong the first `times`."""

    def __init__(self, region, times):
        self._region, self.times, self.size = region, times, region.size

    def read(self, addr, into):
        self._region.read(addr, into)
        if self.times and not addr:
            self.times -= 1
            into[100] ^= 1


def banks(board, times=0):
    regions = board.regions()
    return tuple(Bank(Flaky(regions[picture], times), regions[header]) for picture, header in BANK_NAMES)


def copies(board, folder, times=0, feed=lambda: None):
    return RamCopies(str(folder), banks(board, times), Trust(board.key), feed)


def waiting(trial=0xFF):
    return SimpleNamespace(confirmed=lambda: 0, trial=trial, trial_waits=trial != 0xFF)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_copy_is_the_image_and_nobody_elses(board, folder):
    fed = []
    found = copies(board, folder, feed=lambda: fed.append(1))
    found.make_room(waiting())
    assert names(folder) == ["room"] and (folder / "room").stat().st_blocks * 512 >= len(IMAGE)
    assert found.check(0) and found.manifests[0].version == "1.0"
    assert names(folder) == ["bank0.zip"] and (folder / "bank0.zip").read_bytes() == IMAGE
    assert (folder / "bank0.zip").stat().st_mode & 0o777 == 0o600
    assert len(fed) >= 2 * len(IMAGE) // 65536


def test_a_read_that_was_disturbed_is_done_again(board, folder):
    assert copies(board, folder, times=1).check(0)
    assert hashlib.sha256((folder / "bank0.zip").read_bytes()).digest() == hashlib.sha256(IMAGE).digest()


def test_what_is_not_what_was_signed_never_has_a_name(board, folder):
    assert not copies(board, folder, times=9).check(0)
    assert "bank0.zip" not in names(folder)
    board.spoil("header0")
    assert not copies(board, folder).check(0) and not copies(board, folder).check(1)


def test_only_zip_images_run(board, folder, monkeypatch):
    real = ram_copy.read_manifest

    def other(*words):
        manifest = real(*words)
        manifest.kind = "raw"
        return manifest

    monkeypatch.setattr(ram_copy, "read_manifest", other)
    assert not copies(board, folder).check(0)


def test_an_older_copy_is_forgotten_first(board, folder):
    for name in ("bank0.zip", "bank1.zip", "room"):
        (folder / name).write_bytes(b"old")
    (folder / "else").write_bytes(b"")
    found = copies(board, folder)
    found.make_room(waiting())
    assert names(folder) == ["else", "room"]
    board.put(1, "2.0")
    assert found.check(0) and found.check(1)
    found.keep_only(1)
    assert names(folder) == ["bank1.zip", "else"]


def test_the_room_is_that_of_the_larger_one_that_may_run(board, folder):
    board.put(1, "2.0", data=IMAGE + bytes(100000))
    found = copies(board, folder)
    for trial, size in ((0xFF, len(IMAGE)), (1, len(IMAGE) + 100000)):
        found.make_room(waiting(trial))
        assert (folder / "room").stat().st_size == size
    assert found.check(0), "a smaller one takes its place"
    assert (folder / "bank0.zip").stat().st_size == len(IMAGE)


# -- no room -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ENOMEM, errno.EDQUOT])
@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite", "ftruncate"])
def test_no_room_is_no_banks_fault(board, folder, monkeypatch, call, number):
    found = copies(board, folder)

    def refuse(*_):
        raise OSError(number, "no")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(RamDiskFull, match="is full: clear it, or .* TemporaryFileSystem= of .*,size= /run$"):
        found.make_room(waiting())
        found.check(0)


def test_a_write_that_is_cut_short_is_no_room(board, folder, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:10], at))
    with pytest.raises(RamDiskFull):
        copies(board, folder).check(0)


def test_other_errors_say_what_they_are(board, folder, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(AgentError, match="cannot copy the firmware to .*: Read-only file system") as caught:
        copies(board, folder).check(0)
    assert not isinstance(caught.value, RamDiskFull)


def test_an_image_that_can_never_fit_is_not_waited_for(board, folder, monkeypatch):
    """A trial that is larger than all of the RAM disk fails its check: the board runs on with what it has."""
    board.put(1, "2.0", data=IMAGE + bytes(100000))
    whole = SimpleNamespace(f_blocks=len(IMAGE) + 50000, f_bavail=len(IMAGE) + (1 << 20) + 60000, f_frsize=1)
    monkeypatch.setattr(os, "statvfs", lambda path: whole)
    found = copies(board, folder)
    found.make_room(waiting(1))
    assert not found.check(1) and found.check(0)


def test_a_ram_disk_without_a_limit(board, folder, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_blocks=0, f_bavail=0, f_frsize=4096))
    found = copies(board, folder)
    found.make_room(waiting())
    assert found.check(0)


@pytest.fixture
def ram_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "mode=0700,size=2m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no RAM disk can be mounted here: run the tests as root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_room_that_was_taken_stays_ours(board, ram_disk):
    """Somebody fills the disk between the decision and the copy: it succeeds all the same."""
    found = copies(board, ram_disk)
    found.make_room(waiting())
    with open(ram_disk / "junk", "wb", buffering=0) as junk, pytest.raises(OSError):
        while True:
            assert junk.write(bytes(4096)) == 4096
            junk.flush()
    assert shutil.disk_usage(ram_disk).free == 0
    assert found.check(0) and (ram_disk / "bank0.zip").read_bytes() == IMAGE
    with pytest.raises(RamDiskFull, match="KiB left, the firmware needs"):
        found.make_room(waiting())


# -- others --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode, good", [(0o700, True), (0o755, True), (0o1777, True), (0o777, False), (0o770, False)])
def test_who_may_write_there(board, folder, mode, good):
    folder.chmod(mode)
    if good:
        copies(board, folder).make_room(waiting())
    else:
        with pytest.raises(AgentError, match="others may write in"):
            copies(board, folder).make_room(waiting())


def test_a_folder_that_is_a_link_a_file_or_not_there(board, folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "file").touch()
    for name in ("link", "file", "none"):
        with pytest.raises(AgentError, match="others may write|cannot use"):
            copies(board, tmp_path / name).make_room(waiting())


def test_a_room_that_somebody_has_put_there(board, folder, tmp_path):
    other = tmp_path / "passwd"
    other.write_bytes(b"root")
    for plant in (os.symlink, os.link):
        found = copies(board, folder)
        found.make_room(waiting())
        (folder / "room").unlink()
        plant(other, folder / "room")
        with pytest.raises(AgentError, match="somebody else's|cannot copy"):
            found.check(0)
        assert other.read_bytes() == b"root"
