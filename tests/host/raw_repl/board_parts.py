"""What the board is made of besides its interpreter: a flash with its cells in a file, and a file system in another."""

import os

import vfs

from ports.sim.spi_chip import SpiChip
from tests.host.raw_repl.fake_machine import FastClock
from tests.portable.chips import part

SECTOR = 4096


class Blocks:
    """A block device in a file of the host."""

    def __init__(self, file, size):
        self._file, self._size = file, size

    def readblocks(self, number, into, offset=0):
        """Read."""
        self._file.seek(number * SECTOR + offset)
        self._file.readinto(into)

    def writeblocks(self, number, data, offset=None):
        """Write; without an offset the block is erased first, which a file needs no doing for."""
        self._file.seek(number * SECTOR + (offset or 0))
        self._file.write(data)

    def ioctl(self, op, arg):
        """Tell the number and size of blocks."""
        if op == 4:
            return self._size // SECTOR
        return SECTOR if op == 5 else 0


def make_chip(options, cells):
    """Return the flash with the cells that the file has."""
    chip = SpiChip(part(options["chip"]), FastClock(options["speed"]))
    chip.fault, chip.wrap = options["fault"], options["wrap"]
    data, number = bytearray(SECTOR), 0
    while cells.readinto(data) == SECTOR:
        if data != b"\xff" * SECTOR:
            chip.sectors[number] = bytearray(data)
        number += 1
    return chip


def save(chip, cells):
    """Put the chip's cells into the file."""
    for number in range(chip.part.size // SECTOR):
        cells.seek(number * SECTOR)
        cells.write(chip.sectors.get(number) or b"\xff" * SECTOR)


def mount(path, size):
    """Make the board's own file system the only one."""
    blocks = Blocks(open(path, "r+b"), size)
    try:
        found = vfs.VfsLfs2(blocks)
    except OSError:
        vfs.VfsLfs2.mkfs(blocks)
        found = vfs.VfsLfs2(blocks)
    vfs.umount("/")
    vfs.mount(found, "/")
    os.chdir("/")
