"""Makes a board of files, see linux_board.py: provisioned, with firmware in bank 0, and packages for it."""

import json
import os
import shutil
import struct
from binascii import crc32
from pathlib import Path

from agent.bank_header import HeaderWriter
from agent.factory import MAGIC
from agent.package import HEAD_SIZE
from flash_tools.packages.package_build import LARGE_BLOCK, Target, build_package
from flash_tools.signing.keys import key_id, new_key, public_bytes
from hal.region import layout_hash
from ports.cpython_linux.block import BlockFlash
from ports.cpython_linux.install import Install, PackageFile, Trust
from tests.bench import linux_board

MIB = 1 << 20


class Watchdog:
    """Never bites."""

    timeout_ms = 60000

    def feed(self):
        """Count nothing."""


class Port:
    """What the board file wants of a port."""

    watchdog = Watchdog()

    def __init__(self, block=BlockFlash):
        self.block = block


class Board:
    """A folder with a board in it."""

    def __init__(self, folder, bank_size=MIB, key=None):
        self.folder, self.bank_size, self.key = Path(folder), bank_size, key or new_key()
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(linux_board.__file__, self.folder / "board.py")
        fill(self.folder / "state.img", linux_board.STATE_SIZE, b"\xff")
        for number in (0, 1):
            fill(self.folder / ("bank%d.img" % number), bank_size, b"\0")
        self.provision()

    @property
    def facts(self):
        """Return what provisioning says."""
        anchors = [[key_id(public_bytes(self.key)), public_bytes(self.key).hex()]]
        return {"product": "bench", "model": "files", "anchors": anchors}

    @property
    def trust(self):
        """Return whom the board trusts."""
        return Trust(self.facts)

    def hardware(self, block=BlockFlash):
        """Build the board as after a start."""
        return linux_board.build(Port(block), self.folder)

    def package(self, image, version="2", encoding="none", large=True, old=None, counter=1, key=None):
        """Return a package for this board."""
        layout = layout_hash(linux_board.layout_of(self.bank_size))
        target = Target("bench", ["files"], layout, version, counter)
        more = {"packed_max": LARGE_BLOCK} if large and encoding != "delta" else {}
        return build_package(image, target, key or self.key, encoding=encoding, old_image=old, built=0, **more)

    def write(self, name, *words, **more):
        """Write a package into the folder; return its path."""
        path = self.folder / name
        path.write_bytes(self.package(*words, **more))
        return path

    def install(self, path, block=BlockFlash):
        """Install in this process; return what `run` does."""
        hardware, stream = self.hardware(block), PackageFile(path)
        try:
            return Install(hardware, self.trust).run(stream)
        finally:
            stream.close()
            close(hardware)

    def bank(self, number, size=None):
        """Return what a bank's file holds."""
        return (self.folder / ("bank%d.img" % number)).read_bytes()[:size]

    def provision(self):
        """Give it facts, firmware in bank 0, and a boot record."""
        hardware = self.hardware()
        text = json.dumps(self.facts).encode()
        half = hardware.factory.size // 2
        for copy in (0, 1):
            hardware.factory.program(copy * half, MAGIC + struct.pack("<II", len(text), crc32(text)) + text)
        image = b"the firmware that runs" * 100
        package = self.package(image, "1")
        size = struct.unpack_from("<I", package, 4)[0]
        with open(self.folder / "bank0.img", "r+b") as file:
            file.write(image)
        writer = HeaderWriter(hardware.banks[0].header, package[HEAD_SIZE : HEAD_SIZE + size])
        while not writer.step():
            pass
        hardware.boot.confirm()
        close(hardware)


def close(hardware):
    """Close the files of a board."""
    for flash in (hardware.journal.flash, *(bank.image for bank in hardware.banks)):
        flash.close()


def fill(path, size, byte):
    """Make a file of one byte, on the disk."""
    with open(path, "wb") as file:
        for _ in range(0, size, 65536):
            file.write(byte * 65536)
        file.truncate(size)
        file.flush()
        os.fsync(file.fileno())
