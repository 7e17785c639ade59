"""ports/cpython_linux/mtd.py over folders and files that look like the kernel's: no kernel here has an MTD."""

import errno

import pytest

from agent.errors import FlashError
from ports.cpython_linux import mtd
from tests.host.fake_chips import FakeMtd


@pytest.fixture
def kernel(tmp_path):
    fake = FakeMtd(tmp_path)
    fake.add(0, "bootloader")
    fake.add(3, "firmware")
    return fake


def open_mtd(kernel, name="firmware", write=True):
    return mtd.Mtd(name, write, ioctl=kernel.ioctl, **kernel.roots())


def test_found_by_its_name_whatever_its_number(kernel):
    flash = open_mtd(kernel)
    assert flash.path.endswith("mtd3") and flash.size == 1 << 20 and flash.blocking
    assert flash.erase_units == ((4096, 900),) and flash.program_unit == 1
    assert flash.fact("jedec_id").strip() == b"ef4015" and flash.fact("sfdp") is None
    assert kernel.unlocked == 1
    flash.close()
    flash.close()


def test_reads_programs_and_erases(kernel):
    flash = open_mtd(kernel)
    flash.program(4096 + 16, b"\x12" * 32)
    found = bytearray(64)
    flash.read(4096, found)
    assert found == b"\xff" * 16 + b"\x12" * 32 + b"\xff" * 16
    flash.erase(4096, 4096)
    flash.read(4096, found)
    assert found == b"\xff" * 64 and kernel.erased == [(4096, 4096)] and not flash.busy()
    kernel.old_kernel = True
    flash.erase(8192, 4096)
    assert kernel.erased[-1] == (8192, 4096)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda flash: flash.read(flash.size, bytearray(1)),
        lambda flash: flash.read(-1, bytearray(1)),
        lambda flash: flash.program(250, bytes(16)),
        lambda flash: flash.program(0, b""),
        lambda flash: flash.erase(100, 4096),
        lambda flash: flash.erase(0, 8192),
        lambda flash: flash.erase(flash.size, 4096),
    ],
)
def test_the_borders_are_kept(kernel, wrong):
    with pytest.raises(FlashError):
        wrong(open_mtd(kernel))
    assert kernel.erased == []


def test_reading_never_unlocks_and_cannot_write(kernel):
    flash = open_mtd(kernel, write=False)
    assert kernel.unlocked == 0
    with pytest.raises(FlashError, match="cannot write"):
        flash.program(0, b"\x00")


def test_names_that_do_not_tell_one(kernel):
    with pytest.raises(FlashError, match="no MTD is called nothing: this machine has bootloader, firmware"):
        open_mtd(kernel, "nothing")
    kernel.add(4, "firmware")
    with pytest.raises(FlashError, match="2 MTDs are called firmware"):
        open_mtd(kernel)


def test_what_is_no_nor_or_not_to_be_written(kernel):
    kernel.add(5, "data", kind="nand", sector=131072)
    kernel.add(6, "odd", sector=3000)
    kernel.add(7, "rom", flags=0x800)
    for name, said in (("data", "is a nand"), ("odd", "cannot be used"), ("rom", "read-only")):
        with pytest.raises(FlashError, match=said):
            open_mtd(kernel, name)
    open_mtd(kernel, "rom", write=False).close()


@pytest.mark.parametrize(
    ("request_", "number", "said"),
    [
        (mtd.MEMGETINFO, errno.ENOTTY, "is no MTD"),
        (mtd.MEMUNLOCK, errno.EIO, "stays write-protected"),
        (mtd.MEMERASE64, errno.EROFS, "write-protected"),
        (mtd.MEMERASE64, errno.EIO, "cannot erase"),
    ],
)
def test_what_the_kernel_refuses(kernel, request_, number, said):
    kernel.refuse[request_] = number
    with pytest.raises(FlashError, match=said):
        open_mtd(kernel).erase(0, 4096)


def test_a_chip_without_protection_need_not_be_unlocked(kernel):
    kernel.refuse[mtd.MEMUNLOCK] = errno.EOPNOTSUPP
    open_mtd(kernel).erase(0, 4096)


def test_a_number_that_has_moved_on_is_noticed(kernel):
    def other(fd, request, data, mutate=False):
        kernel.ioctl(fd, request, data, mutate)
        if request == mtd.MEMGETINFO:
            data[8] ^= 1

    with pytest.raises(FlashError, match="not the MTD firmware any more"):
        mtd.Mtd("firmware", ioctl=other, **kernel.roots())


def test_a_device_file_that_is_missing(kernel):
    (kernel.dev / "mtd3").unlink()
    with pytest.raises(FlashError, match="is not there"):
        open_mtd(kernel)
