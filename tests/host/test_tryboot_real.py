"""A whole update of a Pi on real files, by the drivers that a real one would use; and an image as large as a system."""

import importlib
import os
from types import SimpleNamespace

import pytest

from flash_tools import images
from flash_tools.errors import ToolError
from flash_tools.packages.package_build import Target, build_package
from hal import autoboot
from hal.region import Region, carve, layout_hash
from ports.cpython_linux.block import BlockFlash
from ports.cpython_linux.boot_files import BootFiles
from ports.cpython_linux.port import LinuxPort
from ports.cpython_linux.stretch_writer import StretchWriter
from ports.sim.device import IDLE
from tests.host.scripted import order
from tests.host.tryboot_pi import BOARD, CANONICAL, IMAGES, LAYOUT, Card, Pi, PiBench
from tests.portable.boards import make_flash
from tests.soak import goods


class _FileCard:
    """The card as files: what the ROM of the model reads are the bytes of the files."""

    def __init__(self, folder):
        self.folder, self.power, made = folder, Card().power, Card()
        (folder / "boot").mkdir()
        (folder / "dev").mkdir()
        (folder / "boot" / "autoboot.txt").write_bytes(CANONICAL)
        self.fat, self.parts = self, {}
        for name, part in made.parts.items():
            (folder / "dev" / name).write_bytes(part.disk)
            self.parts[name] = _FilePart(folder / "dev" / name, part.size)

    bank = Card.bank

    def on_disk(self, name):
        path = self.folder / "boot" / name
        return path.read_bytes() if path.exists() else None


class _FilePart(SimpleNamespace):
    def __init__(self, path, size):
        super().__init__(path=path, size=size)

    @property
    def disk(self):
        return self.path.read_bytes()


class _FilePi(Pi):
    def boot_files(self, folder):
        at = {"run": str(self.folder / "run"), "proc": str(self.folder / "proc")}
        return BootFiles(str(self.card.folder / "boot"), **at)

    def block(self, path, size=None, page=4096, sync_bytes=4 << 20):
        return BlockFlash(str(self.card.folder) + path, size=size, page=page, sync_bytes=sync_bytes)


def _file_bench(tmp_path, *scripts):
    bench = PiBench(tmp_path, *scripts)
    bench.card, old = _FileCard(tmp_path), bench.device
    bench.device = _FilePi(tmp_path, bench.card, bench.clock, old.identity, bench.net, old.options, bench)
    return bench


def test_an_update_on_real_files(tmp_path):
    bench = _file_bench(tmp_path, order("dau"))
    assert bench.run() == ["reset", IDLE] and bench.results == [("a", 200)], bench.said
    assert bench.device.started == [(2, False), (3, True)]
    assert bench.card.bank(1).startswith(IMAGES[goods.NEW]) and bench.card.bank(0).startswith(IMAGES[goods.OLD])
    assert autoboot.partitions(bench.card.on_disk("autoboot.txt")) == (3, 2)
    assert os.listdir(tmp_path / "boot") == ["autoboot.txt"]


def test_a_partition_that_is_too_small(tmp_path):
    bench = _file_bench(tmp_path)
    os.truncate(tmp_path / "dev" / "mmcblk0p6", BOARD.ROOT_SIZE - 4096)
    with pytest.raises(Exception, match="again and again"):
        bench.run()
    assert [line for line in bench.said if "mmcblk0p6 has" in line and "make it larger" in line]


def test_an_image_of_a_whole_system_may_be_larger_than_a_chip(tmp_path):
    system = tmp_path / "system.img"
    system.write_bytes(b"kernel")
    os.truncate(system, (64 << 20) + 1)
    assert len(images.make(system, images.Wish("raw", "1")).data) == (64 << 20) + 1
    with pytest.raises(ToolError, match="at most 64 MiB; more with --kind raw"):
        images.make(system, images.Wish(None, "1"))
    os.truncate(system, 1 << 30)
    with pytest.raises(ToolError, match="at most 1023 MiB$"):
        images.make(system, images.Wish("raw", "1"))


def test_the_port_has_what_the_board_asks_for(tmp_path):
    port = LinuxPort(None, None, print)
    assert isinstance(port.boot_files(str(tmp_path)), BootFiles) and port.block_writer is StretchWriter
    (tmp_path / "part").write_bytes(bytes(8192))
    part = port.block(str(tmp_path / "part"), size=8192, page=256, sync_bytes=0)
    assert (part.size, part.page) == (8192, 256)
    part.close()


def test_the_layout_names_the_sizes_of_the_banks():
    names = [name for name, _, _ in LAYOUT]
    assert names[:6] == ["boot", "journal", "header0", "header1", "settings", "factory"]
    assert names[6] == "partitions of %d + %d" % (BOARD.BOOT_SIZE, BOARD.ROOT_SIZE)
    assert BOARD.BOOT_SIZE + BOARD.ROOT_SIZE < images.SYSTEM_MAX and BOARD.NATIVE
    real = importlib.import_module("board.rpi_tryboot")
    assert real.BOOT_SIZE + real.ROOT_SIZE < images.SYSTEM_MAX
    carve(Region(make_flash(), 0, real.STATE_SIZE), real.layout_of(real.STATE_SIZE))


def test_a_bank_that_the_rom_cannot_start(tmp_path):
    """A package without a kernel: the ROM goes back by itself, before anything of the bank has run."""
    target = Target(goods.PRODUCT, [goods.MODEL], layout_hash(LAYOUT), goods.NEW, goods.COUNTER)
    bad = build_package(b"no kernel" * 2000, target, goods.TRUSTED, encoding="none", built=1700000000)
    for causes, trials in ((True, 1), (False, 3)):
        bench = PiBench(tmp_path, order("dau"), files={("bench", "/p.fup"): bad}, causes=causes)
        bench.run()
        assert bench.results == [("a", 410)] and set(bench.device.started) == {(2, False)}
        assert bench.device.arguments == ["0 tryboot"] * trials and bench.ends_with() == goods.OLD
