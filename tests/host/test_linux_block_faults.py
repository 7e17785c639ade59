"""What can be wrong with a file or a disk that is to be a flash: each is told in one line."""

import errno
import os
import shutil
import subprocess

import pytest

from agent.errors import FlashError
from ports.cpython_linux import block
from ports.cpython_linux.block import BlockFlash
from tests.bench.linux_files import fill
from tests.host.test_linux_block import SIZE, aligned


class Failing:
    """Stands for `os`; one of its functions fails."""

    def __init__(self, name, code, when=0):
        self._name, self._code, self._when = name, code, when

    def __getattr__(self, name):
        if name == self._name and self._when <= 0:
            return self._fail
        self._when -= name == self._name
        return getattr(os, name)

    def _fail(self, *words):
        raise OSError(self._code, os.strerror(self._code))


@pytest.fixture
def path(tmp_path):
    fill(tmp_path / "bank.img", SIZE, b"\0")
    return str(tmp_path / "bank.img")


def told(work):
    with pytest.raises(FlashError) as e:
        work()
    assert "\n" not in str(e.value) and len(str(e.value)) < 160
    return str(e.value)


def test_no_such_file_and_no_file(tmp_path):
    assert "is not there" in told(lambda: BlockFlash(str(tmp_path / "none")))
    assert "no file, partition" in told(lambda: BlockFlash(str(tmp_path)))
    assert "no file, partition" in told(lambda: BlockFlash("/dev/null"))


def test_too_small_and_not_aligned(path):
    assert "%d are needed" % (2 * SIZE) in told(lambda: BlockFlash(path, size=2 * SIZE))
    assert "multiple" in told(lambda: BlockFlash(path, start=100))
    assert "multiple" in told(lambda: BlockFlash(path, size=5000))


@pytest.mark.parametrize(
    "name, code, text",
    [
        ("pwrite", errno.ENOSPC, "full"),
        ("pwrite", errno.EIO, "the disk reports an error"),
        ("fdatasync", errno.EIO, "the disk reports an error"),
        ("fdatasync", errno.ENOSPC, "full"),
        ("pwrite", errno.EDQUOT, "full"),
        ("pwrite", errno.EROFS, "read-only"),
    ],
)
@pytest.mark.parametrize("size", [64, 1 << 20])
def test_what_cannot_be_written(path, name, code, text, size):
    flash = BlockFlash(path)
    block.os = Failing(name, code)
    try:
        assert text in told(lambda: (flash.program(0, aligned(size)), flash.busy()))
        if name == "fdatasync":  # and it is not taken for synced then
            assert text in told(flash.busy)
    finally:
        block.os = os
        flash.close()


def test_what_cannot_be_read(path):
    flash = BlockFlash(path)
    block.os = Failing("preadv", errno.EIO)
    try:
        assert "cannot read" in told(lambda: flash.read(0, bytearray(10)))
    finally:
        block.os = os
        flash.close()


@pytest.mark.parametrize("code, text", [(errno.EROFS, "read-only"), (errno.EBUSY, "mounted")])
def test_what_may_not_be_written_can_be_read(path, code, text):
    class Refusing(Failing):
        def open(self, path, flags, *words):
            return self._fail() if flags & os.O_RDWR else os.open(path, flags, *words)

    block.os = Refusing("none", code)
    try:
        flash = BlockFlash(path)
        flash.read(0, bytearray(10))
        flash.sync(0, 4096)
        assert text in told(lambda: flash.program(0, b"x"))
        assert text in told(lambda: flash.erase(0, 4096))
        flash.close()
    finally:
        block.os = os


def test_a_disk_that_is_full(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(small)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("a file system can be mounted by root only")
    try:
        with open(small / "bank.img", "wb") as file:
            file.truncate(1 << 20)
        flash = BlockFlash(str(small / "bank.img"))
        assert "full" in told(lambda: flash.program(0, bytes(1 << 20)))
        flash.close()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_mounted_device_is_only_read(tmp_path):
    if os.geteuid() or not all(map(shutil.which, ("losetup", "mke2fs", "mount"))):
        pytest.skip("a device can be mounted by root only")
    image, place = tmp_path / "device.img", tmp_path / "place"
    place.mkdir()
    fill(image, 4 << 20, b"\0")
    made = subprocess.run(["losetup", "--find", "--show", str(image)], capture_output=True, text=True)
    if made.returncode:
        pytest.skip("there is no loop device here")
    device = made.stdout.strip()
    try:
        subprocess.run(["mke2fs", "-q", device], check=True)
        flash = BlockFlash(device)
        assert flash.size == 4 << 20
        flash.program(1 << 20, b"free")
        flash.busy()
        flash.close()
        subprocess.run(["mount", device, str(place)], check=True)
        try:
            flash = BlockFlash(device)
            assert "mounted" in told(lambda: flash.program(0, b"x"))
            flash.close()
        finally:
            subprocess.run(["umount", str(place)], check=True)
    finally:
        subprocess.run(["losetup", "-d", device], check=True)
