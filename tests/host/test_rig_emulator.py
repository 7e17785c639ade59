"""The emulated board without its emulator: archives, kernels, device trees, command lines, files of the project."""

import hashlib
import lzma
import os
import shutil
import stat
import struct
import subprocess
import sys
import zlib

import pytest

from flash_tools.errors import NotFoundError, ToolError, UsageError
from flash_tools.rig.emulator import (
    base_layers,
    board_files,
    commands,
    cpio,
    device_tree,
    qemu_command,
    uimage,
)
from flash_tools.rig.emulator.project_files import PLACE, module, project_files


def unpacked(data):
    """Read an archive back, as the kernel does: (mode, content) by path; several may follow each other."""
    found, at = {}, 0
    while at < len(data):
        assert data[at : at + 6] == b"070701" and at % 4 == 0
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, length = fields[1], fields[6], fields[11]
        name = data[at + 110 : at + 109 + length].decode()
        start = -(-(at + 110 + length) // 4) * 4
        at = -(-(start + size) // 4) * 4
        if name != "TRAILER!!!":
            assert name.rpartition("/")[0] in ("", *found), "a file comes before its folder"
            found[name] = (mode, data[start : start + size])
    return found


# -- archives ----------------------------------------------------------------------------------------------------------


def test_an_archive_reads_back_with_the_folders_on_the_way():
    archive = cpio.Archive()
    archive.file("/etc/rig/start", b"#!/bin/sh\n", 0o755)
    archive.link("bin/sh", "busybox")
    archive.device("dev/null", 1, 3)
    archive.folder("run")
    found = unpacked(archive.pack())
    assert found["etc/rig/start"] == (stat.S_IFREG | 0o755, b"#!/bin/sh\n")
    assert found["bin/sh"] == (stat.S_IFLNK | 0o777, b"busybox")
    assert stat.S_ISCHR(found["dev/null"][0]) and stat.S_ISDIR(found["etc/rig"][0]) and stat.S_ISDIR(found["run"][0])


@pytest.mark.parametrize("size", range(9))
def test_a_second_archive_follows_the_first_whatever_the_lengths(size):
    first, second = cpio.Archive(), cpio.Archive()
    first.file("a" * (size + 1), b"x" * size)
    second.file("b", b"new")
    assert unpacked(first.pack() + second.pack())["b"][1] == b"new"


def test_cpio_itself_reads_it(tmp_path):
    if not shutil.which("cpio"):
        pytest.skip("there is no cpio (Debian package cpio)")
    archive = cpio.Archive()
    archive.file("a/b/c", b"deep")
    archive.link("d", "a/b/c")
    subprocess.run(["cpio", "-id", "--quiet"], input=archive.pack(), cwd=tmp_path, check=True, timeout=10)
    assert (tmp_path / "d").read_bytes() == b"deep"


@pytest.mark.parametrize("path", ["", "/", "../x", "a/../b", "a//b"])
def test_a_path_that_leaves_the_archive_is_refused(path):
    with pytest.raises(ValueError, match="no path"):
        cpio.Archive().file(path, b"")


def test_a_tree_keeps_links_and_modes_and_leaves_out_what_it_shall(tmp_path):
    (tmp_path / "usr/share/doc").mkdir(parents=True)
    (tmp_path / "usr/share/doc/x").write_text("x")
    (tmp_path / "usr/bin").mkdir()
    (tmp_path / "usr/bin/python3.11").write_bytes(b"elf")
    (tmp_path / "usr/bin/python3.11").chmod(0o755)
    (tmp_path / "lib").symlink_to("usr/lib")
    archive = cpio.Archive()
    archive.tree(tmp_path, base_layers.skipped)
    found = unpacked(archive.pack())
    assert found["usr/bin/python3.11"] == (stat.S_IFREG | 0o755, b"elf")
    assert found["lib"][1] == b"usr/lib" and "usr/share/doc/x" not in found


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("usr/lib/python3.11/ssl.py", False),
        ("usr/lib/python3.11/tomllib", False),
        ("usr/lib/python3.11/zipimport.py", False),
        ("usr/lib/python3.11/unittest/case.py", False),
        ("usr/lib/python3.11/lib-dynload/_ssl.cpython-311-arm-linux-gnueabihf.so", False),
        ("usr/lib/python3/dist-packages/spidev.cpython-311-arm-linux-gnueabihf.so", False),
        ("usr/sbin/i2cdetect", False),
        ("usr/lib/python3.11/test", True),
        ("usr/lib/python3.11/lib-dynload/_sqlite3.cpython-311-arm-linux-gnueabihf.so", True),
        ("usr/share/man", True),
        ("etc/python3.11", True),
    ],
)
def test_what_the_board_needs_goes_in(path, out):
    assert base_layers.skipped(path) is out


# -- the kernel --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [lzma.compress, lambda data: zlib.compress(data, wbits=31)])
def test_the_kernel_inside_a_zimage_becomes_a_uimage(pack):
    kernel = hashlib.shake_128(b"kernel").digest(1 << 16) * 65
    decoy = b"\xfd7zXZ\0 text that only begins like one; " + zlib.compress(b"small", wbits=31)
    made = uimage.make(b"MZ stub" + decoy + pack(kernel) + b"tail", 0x10208000)
    fields = struct.unpack(">7I4B32s", made[:64])
    assert fields[0] == 0x27051956 and fields[3] == len(kernel) and fields[4] == fields[5] == 0x10208000
    assert made[64:] == kernel and fields[6] == zlib.crc32(kernel)
    assert zlib.crc32(made[:4] + bytes(4) + made[8:64]) == fields[1]


def test_a_file_that_is_no_kernel_is_refused_in_one_line():
    with pytest.raises(ToolError, match="packed in a way that is not known"):
        uimage.make(b"no kernel at all" * 100)


def make_module(folder, name, depends):
    folder.mkdir(parents=True, exist_ok=True)
    text = b"ELF\0license=GPL\0depends=%s\0name=%s\0" % (depends.encode(), name.encode())
    (folder / (name + ".ko")).write_bytes(text)


def test_modules_come_after_what_they_need(tmp_path):
    folder = tmp_path / "lib/modules/6.1"
    names = [name for names in base_layers.MODULES.values() for name in names]
    for name in names:
        make_module(folder / "kernel", name, "helper-a" if name == "fec" else "")
    make_module(folder / "kernel/lib", "helper-a", "helper_b,micrel")
    make_module(folder / "kernel/lib", "helper_b", "")
    (folder / "kernel/rtc-ds1307.ko").unlink()
    (folder / "modules.builtin").write_text("kernel/drivers/rtc/rtc-ds1307.ko\n")
    found = unpacked(base_layers.modules(tmp_path).pack())
    order = found["etc/rig/modules-always"][1].decode().split()
    assert order[-4:] == ["micrel", "helper_b", "helper_a", "fec"] and "rtc_ds1307" not in order
    assert all("lib/modules/%s.ko" % name in found for name in order)
    assert order.index("gpio_mxc") < order.index("spi_imx"), (
        "the SPI bus would come later than the init script looks for it"
    )
    (folder / "modules.builtin").write_text("")
    with pytest.raises(NotFoundError, match="no module rtc_ds1307"):
        base_layers.modules(tmp_path)


# -- the device tree ---------------------------------------------------------------------------------------------------

TREE = """/dts-v1/;
/ { chosen { }; soc { sata@2200000 { }; pcie@1ffc000 { }; dma-controller@110000 { };
  bus@2000000 { dma-controller@20ec000 { }; watchdog@20c0000 { status = "disabled"; }; };
  bus@2100000 { serial@21ec000 { status = "disabled";
\t\tdmas = <1 2 3>;
\t\tdma-names = "rx", "tx"; }; serial@21f0000 { }; }; }; };
"""


def test_the_device_tree_loses_its_dma_and_gets_entropy(tmp_path):
    if not shutil.which("dtc"):
        pytest.skip("there is no dtc (Debian package device-tree-compiler)")
    (tmp_path / "in.dts").write_text(TREE)
    commands.call("dtc", "-q", "-O", "dtb", "-o", tmp_path / "in.dtb", tmp_path / "in.dts")
    device_tree.make(tmp_path / "in.dtb", tmp_path / "out.dtb")
    text = commands.call("dtc", "-q", "-I", "dtb", "-O", "dts", tmp_path / "out.dtb")
    assert (
        "dma-names" not in text and "dmas" not in text and text.count('"okay"') == 3 and text.count('"disabled"') == 4
    )
    made = (tmp_path / "out.dtb").read_bytes()
    one, other = device_tree.with_seed(made), device_tree.with_seed(made)
    assert one != other and len(one) == len(made)
    assert device_tree.with_seed(made, b"\x55" * 64).count(b"\x55" * 64) == 1
    with pytest.raises(ToolError, match="no place for entropy"):
        device_tree.with_seed(one)


# -- the command line --------------------------------------------------------------------------------------------------

SOCKETS = dict(zip(qemu_command.CHANNELS, range(10, 20), strict=False))


def line(**equipment):
    """Return the command line of a board as one text."""
    return " ".join(qemu_command.arguments(qemu_command.Equipment("K", **equipment), SOCKETS))


def test_the_command_line_names_what_the_board_has():
    text = line(watchdog_s=5, spi="mtd", kernel_words="rig.more=1")
    assert "-M sabrelite -smp 1" in text and "-kernel K -dtb board.dtb -initrd initrd.cpio" in text
    assert (
        "panic=-1 rig.watchdog=5 rig.spi=mtd rig.more=1" in text
        and "panic=0 " in line(panic_s=0)
        and "rig.sd" not in text
    )
    assert "at24c-eeprom,bus=i2c-bus.0,address=0x50,rom-size=4096" in text and "tmp105" in text and "ds1338" in text
    assert "-no-reboot" not in text, "a board that resets itself comes up again"
    assert [text.index("-serial chardev:" + name) for name in ("control", "console", "serial", "second")] == sorted(
        text.index("-serial chardev:" + name) for name in ("control", "console", "serial", "second")
    )


def test_forwarded_ports_are_bound_to_loopback_only():
    text = line(forward=(("udp", 4000, 9876), ("tcp", 4001, 80)))
    assert "hostfwd=udp:127.0.0.1:4000-:9876,hostfwd=tcp:127.0.0.1:4001-:80" in text
    assert "hostfwd" not in line() and "0.0.0.0" not in text


# -- files of the project ----------------------------------------------------------------------------------------------


def test_modules_come_compiled_for_the_guests_python():
    files = module("agent/x.py", b"VALUE = 7\n")
    assert files[PLACE + "agent/x.py"] == b"VALUE = 7\n"
    if sys.version_info[:2] != (3, 11):
        pytest.skip("this Python cannot compile for the board's 3.11")
    compiled = files[PLACE + "agent/__pycache__/x.cpython-311.pyc"]
    assert compiled[4:8] == b"\1\0\0\0"
    found = project_files(("hal",))
    assert PLACE + "hal/region.py" in found and PLACE + "hal/__pycache__/region.cpython-311.pyc" in found


def test_the_last_layer_has_what_runs_on_every_board_and_the_payload():
    found = unpacked(board_files.overlay({"etc/rig/start": b"#!/bin/sh\n", "root/notes": b"text"}))
    assert found["usr/lib/rig/init"][0] == found["etc/rig/start"][0] == stat.S_IFREG | 0o755
    assert found["root/notes"] == (stat.S_IFREG | 0o644, b"text")


def test_chips_are_made_erased_once_and_never_of_another_size(tmp_path):
    board_files.have_chips(tmp_path)
    assert (tmp_path / "flash.img").read_bytes() == b"\xff" * (2 << 20)
    (tmp_path / "eeprom.img").write_bytes(bytes(4096))
    board_files.have_chips(tmp_path)
    assert (tmp_path / "eeprom.img").read_bytes() == bytes(4096)
    (tmp_path / "flash.img").write_bytes(b"short")
    with pytest.raises(UsageError, match="flash.img has 5 bytes, the emulated part has 2097152"):
        board_files.have_chips(tmp_path)


def test_guest_scripts_are_sound():
    for name in ("init", "reboot", "systemctl"):
        subprocess.run(["sh", "-n", os.fspath(board_files.GUEST / name)], check=True, timeout=10)
    compile((board_files.GUEST / "control.py").read_text(), "control.py", "exec")
