"""What boot_files makes of a real folder, and of /proc as the kernel writes it."""

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import FlashError
from hal import autoboot
from ports.cpython_linux.boot_files import BootFiles
from tests.host.tryboot_pi import CANONICAL, Rom


class _Recorder:
    """`os`, with every call noted; `fails` maps a call's number to an errno."""

    def __init__(self, **fails):
        self.calls, self.fails, self.short = [], fails, 0

    def __getattr__(self, name):
        plain = getattr(os, name)

        def call(*arguments, **more):
            self.calls.append(name)
            if name in self.fails:
                raise OSError(self.fails[name], os.strerror(self.fails[name]))
            if name == "write" and self.short:
                return plain(arguments[0], arguments[1][: self.short])
            return plain(*arguments, **more)

        return call


def _files(tmp_path, system=os, cmdline="", mounts=""):
    for name in ("boot", "proc/device-tree/chosen/bootloader", "proc/self", "dev", "sys/class/block"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    (tmp_path / "proc" / "cmdline").write_text(cmdline)
    (tmp_path / "proc" / "self" / "mounts").write_text(mounts)
    at = {name: str(tmp_path / name) for name in ("run", "proc", "dev")}
    return BootFiles(str(tmp_path / "boot"), sys_root=str(tmp_path / "sys"), system=system, **at)


def test_a_file_is_replaced_step_by_step(tmp_path):
    system = _Recorder()
    files = _files(tmp_path, system)
    assert files.read() is None
    (tmp_path / "boot" / "autoboot.new").write_bytes(b"left by a cut" * 99)
    system.calls.clear()
    files.replace(CANONICAL)
    kept = [name for name in system.calls if name not in ("open", "close", "read")]
    assert kept == ["write", "fsync", "rename", "fsync", "fsync"]
    assert files.read() == CANONICAL and os.listdir(tmp_path / "boot") == ["autoboot.txt"]
    files.probe(CANONICAL)
    assert files.read() == CANONICAL and os.listdir(tmp_path / "boot") == ["autoboot.txt"]


def test_no_file_stays_open(tmp_path):
    files, before = _files(tmp_path), len(os.listdir("/proc/self/fd"))
    files.replace(CANONICAL)
    files.probe(b"")
    files.read()
    for fails in ("write", "fsync", "rename", "unlink"):
        broken = _files(tmp_path, _Recorder(**{fails: errno.EIO}))
        for action in (broken.replace, broken.probe):
            try:
                action(CANONICAL)
            except FlashError:
                pass
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("call", "number", "word"),
    [
        ("open", errno.EROFS, "mounted read-only: mount"),
        ("open", errno.EACCES, "run as root"),
        ("open", errno.ENOTDIR, "mount the first partition"),
        ("write", errno.ENOSPC, "no room"),
        ("fsync", errno.EIO, "Input/output error"),
        ("rename", errno.EROFS, "mounted read-only"),
    ],
)
def test_what_goes_wrong_is_one_line(tmp_path, call, number, word):
    _files(tmp_path).replace(b"old\n")
    broken = _files(tmp_path, _Recorder(**{call: number}))
    with pytest.raises(FlashError, match=word) as refused:
        broken.replace(CANONICAL)
    assert "\n" not in str(refused.value) and "boot" in str(refused.value)
    assert _files(tmp_path).read() == b"old\n"
    if call != "open":
        assert call == "rename" or "autoboot.new" not in os.listdir(tmp_path / "boot")


def test_a_short_write_is_no_room(tmp_path):
    system = _Recorder()
    files = _files(tmp_path, system)
    system.short = 10
    for action in (files.replace, files.probe):
        with pytest.raises(FlashError, match="no room"):
            action(CANONICAL)
    assert files.read() is None and os.listdir(tmp_path / "boot") == []


def test_a_card_that_forgets_is_found_out(tmp_path):
    system = _Recorder()
    files = _files(tmp_path, system)
    system.rename = lambda old, new: os.unlink(old)
    (tmp_path / "boot" / "autoboot.txt").write_bytes(b"old\n")
    with pytest.raises(FlashError, match="does not read back"):
        files.replace(CANONICAL)


def test_more_than_a_sector_is_seen_as_more(tmp_path):
    files = _files(tmp_path)
    (tmp_path / "boot" / "autoboot.txt").write_bytes(CANONICAL + b"#" * 5000)
    assert len(files.read()) == 513
    with pytest.raises(FlashError):
        autoboot.partitions(files.read())


def test_a_folder_in_the_place_of_the_file(tmp_path):
    files = _files(tmp_path)
    (tmp_path / "boot" / "autoboot.txt").mkdir()
    for action in (files.read, lambda: files.replace(CANONICAL)):
        with pytest.raises(FlashError):
            action()


def test_the_device_tree(tmp_path):
    files = _files(tmp_path)
    tree = tmp_path / "proc" / "device-tree"
    (tree / "chosen" / "bootloader" / "partition").write_bytes(b"\0\0\1\2")
    (tree / "chosen" / "bootloader" / "tryboot").write_bytes(b"\0\0\0")
    (tree / "compatible").write_bytes(b"raspberrypi,4-model-b\0brcm,bcm2711\0")
    assert files.number("partition") == 258 and files.number("tryboot") is None and files.number("other") is None
    assert files.compatible() == ("raspberrypi,4-model-b", "brcm,bcm2711")
    (tree / "compatible").write_bytes(b"\xff\xfe")
    assert files.compatible() and _files(tmp_path / "none").compatible() == ("",)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("console=tty1 root={dev}/mmcblk0p5 ro", "mmcblk0p5"),
        ("root=/dev/sda1 root={dev}/mmcblk0p6", "mmcblk0p6"),
        ("root=PARTUUID=abcd-05", "mmcblk0p5"),
        ("root={dev}/sda1 root=PARTUUID=abcd-05", "mmcblk0p5"),
        ("root=PARTUUID=abcd-05 root={dev}/sda1", "sda1"),
        ('root=LABEL="root a"', "root"),
        ("root=PARTLABEL=root-a", "mmcblk0p5"),
        ("root=UUID=1-2-3", "mmcblk0p6"),
        ("root=UUID=9", "9"),
        ("root={dev}/dm-0", "mmcblk0p5"),
        ("root={dev}/dm-1", "dm-1"),
        ("root=/dev/nfs nfsroot=1.2.3.4:/x", ""),
        ("rootwait ro", ""),
        ("", ""),
    ],
)
def test_the_root_file_system(tmp_path, words, name):
    files = _files(tmp_path, cmdline=words.format(dev=tmp_path / "dev") + "\n")
    links = {"by-partuuid/abcd-05": "5", "by-partlabel/root-a": "5", "by-uuid/1-2-3": "6"}
    for link, number in links.items():
        path = tmp_path / "dev" / "disk" / link
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to("../../mmcblk0p" + number)
    (tmp_path / "sys" / "class" / "block" / "dm-0" / "slaves" / "mmcblk0p5").mkdir(parents=True)
    for part in ("mmcblk0p5", "mmcblk0p6"):
        (tmp_path / "sys" / "class" / "block" / "dm-1" / "slaves" / part).mkdir(parents=True)
    assert files.root() == name


def test_what_is_mounted(tmp_path):
    text = "/dev/mmcblk0p5 / squashfs ro 0 0\nproc /proc proc rw 0 0\n/dev/mmcblk0p1 /boot/select vfat rw 0 0\n"
    files = _files(tmp_path, mounts=text)
    assert files.mounted("mmcblk0p5") == "/" and files.mounted("mmcblk0p1") == "/boot/select"
    assert files.mounted("mmcblk0p3") == "" and files.mounted("proc") == ""


def test_what_no_reset_survives(tmp_path):
    files = _files(tmp_path)
    assert files.armed() == ""
    files.arm("1 9")
    assert files.armed() == "1 9" and _files(tmp_path).armed() == "1 9"
    (tmp_path / "run" / "tryboot").unlink()
    assert files.armed() == ""
    (tmp_path / "run" / "tryboot").mkdir()
    with pytest.raises(FlashError):
        files.arm("1 9")


_LINES = st.sampled_from(
    [
        "[all]",
        "[tryboot]",
        "[none]",
        "boot_partition=2",
        "boot_partition=3",
        "tryboot_a_b=1",
        "tryboot_a_b=0",
        "",
        "# x",
    ]
    + ["x=7", " boot_partition = 4 ", "[all", "boot_partition", "a=b"]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_LINES, max_size=9), st.booleans())
def test_the_two_readers_agree_where_the_file_is_taken(lines, flag):
    data = "\n".join(lines).encode()
    try:
        found = autoboot.evaluate(data, flag)
    except FlashError:
        return
    plain = Rom.read(data.replace(b" ", b""), flag)
    assert {name: value for name, value in plain.items() if not name.startswith("#")} == found


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600))
def test_bytes_are_taken_or_refused(data):
    try:
        normal, trial = autoboot.partitions(data)
    except FlashError:
        return
    assert normal != trial
