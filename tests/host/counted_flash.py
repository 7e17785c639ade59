"""A flash image that counts what is done to it, stops at an operation, or lies about an address."""

import random
from contextlib import contextmanager

from flash_tools.chips import Chip
from flash_tools.chips.image_file import ImageFile
from flash_tools.flash.flash_place import Place
from flash_tools.target import Target

K = 1024
SIZE = 1024 * K
LAYOUT = (
    ("boot", 0, 12 * K), ("journal", 12 * K, 12 * K), ("header0", 24 * K, 4 * K), ("header1", 28 * K, 4 * K),
    ("factory", 32 * K, 8 * K), ("bank0", 64 * K, 256 * K), ("bank1", 512 * K, 256 * K), ("spare", 768 * K, 64 * K),
)  # fmt: skip


class Wires:
    """A flash that counts, stops at an operation, or lies about an address."""

    def __init__(self, flash):
        self._flash, self.ops, self.stop_at, self.lies = flash, [], 0, {}
        for name in ("size", "page", "program_unit", "erase_units", "blocking", "busy"):
            setattr(self, name, getattr(flash, name))

    def read(self, addr, into):
        self._flash.read(addr, into)
        for at in [at for at in self.lies if addr <= at < addr + len(into)]:
            into[at - addr] ^= 1
            self.lies[at] -= 1
            if not self.lies[at]:
                del self.lies[at]

    def program(self, addr, data):
        self._op("program", addr, len(data))
        self._flash.program(addr, data)

    def erase(self, addr, size):
        self._op("erase", addr, size)
        self._flash.erase(addr, size)

    def _op(self, *what):
        self.ops.append(what)
        if len(self.ops) == self.stop_at:
            raise KeyboardInterrupt

    def erased(self):
        return [size for name, _, size in self.ops if name == "erase"]


def cells(chip, start=0, size=SIZE):
    found = bytearray(size)
    chip.flash._flash.read(start, found)
    return bytes(found)


def data_of(seed, size):
    return random.Random(seed).randbytes(size)


BANK = Place("bank1", 512 * K, 256 * K)


@contextmanager
def opened(folder):
    """Give a Chip of 1 MiB with a blank image in a folder."""
    path = folder / "chip.bin"
    path.write_bytes(b"\xff" * SIZE)
    with ImageFile(path, write=True) as flash:
        chip = Chip(Target("file", str(path)), Wires(flash))
        chip._found = LAYOUT
        yield chip
