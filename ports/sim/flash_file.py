"""The simulated chip with its cells in a file: what was programmed is in the file before the next operation begins.

The file holds the bytes of the chip and nothing else. What is wrong with cells after a cut (weak ones, such that read
differently each time) is in a second file beside it, which is there only while such cells are.
"""

import binascii
import json
import os

from agent.errors import FlashError
from ports.sim.nor import Geometry, Nor

K = 1024
SIZES = tuple([size * 1024 * K for size in (1, 2, 4, 8, 16)])
_PAGE = 256
_FAULTS = ".faults"
_AT_ONCE = 1 << 50  # Hz of a bus that takes no time


def bank_size(size):
    """Return how large a bank is on a chip of that size: half of it, without what the layout keeps in front."""
    return size // 2 - 64 * K


def make_geometry(size, speed=0):
    """Return the geometry of a chip; `speed` is the part of the typical times that operations take, 0 to 1 or more."""
    units = []
    for unit, typical_us, most_us in ((4 * K, 64000, 896000), (32 * K, 128000, 1792000), (64 * K, 160000, 2240000)):
        units.append((unit, int(typical_us * speed), most_us))
    hz = int(24000000 / speed) if speed else _AT_ONCE
    slot_us = (int(32 * speed), max(3, int(3 * speed)) if speed else 0)
    return Geometry("file", size, tuple(units), (int(704 * speed), 4224), slot_us, hz)


def make_file(path, size):
    """Make the file of an erased chip."""
    if size not in SIZES:
        raise FlashError("a chip has 1, 2, 4, 8 or 16 MiB")
    with open(path, "wb") as file:
        for _ in range(size // K):
            file.write(b"\xff" * K)
    _remove(path + _FAULTS)


class Pages:
    """The cells by page, as a dictionary that leaves erased pages out."""

    def __init__(self, file):
        self._file = file
        self._cells = bytearray(_PAGE)

    def read_into(self, addr, into):
        """Read any range."""
        self._file.seek(addr)
        if self._file.readinto(into) != len(into):
            raise FlashError("the flash file is shorter than it was")

    def get(self, page):
        """Return the cells of a page, None where they are erased."""
        self.read_into(page * _PAGE, self._cells)
        cells = bytes(self._cells)
        return None if cells == b"\xff" * _PAGE else cells

    def __contains__(self, page):
        return True

    def __setitem__(self, page, cells):
        self._file.seek(page * _PAGE)
        self._file.write(cells)

    def __delitem__(self, page):
        self[page] = b"\xff" * _PAGE


class FileNor(Nor):
    """`clock` is a RealClock."""

    def __init__(self, path, clock, speed=0):
        self._path = path
        self.file = _open(path)
        super().__init__(make_geometry(self.file.seek(0, 2), speed), clock)
        if self.size not in SIZES:
            raise FlashError("%s is no flash file: a chip has 1, 2, 4, 8 or 16 MiB" % path)
        self.pages = Pages(self.file)
        self._load_faults()

    def copy(self, addr, into):
        """Copy what the cells hold, without time or faults."""
        self.pages.read_into(addr, into)

    def power_on(self, feed, cold=True):
        """Begin a boot."""
        super().power_on(feed, cold)
        self._keep_faults()

    def program(self, addr, data):
        """Program; what has become of the cells is kept, whatever happens."""
        faults = self.faults
        before = faults.cuts, len(faults.weak), len(faults.unstable)
        try:
            super().program(addr, data)
        finally:
            if before != (faults.cuts, len(faults.weak), len(faults.unstable)) or addr // _PAGE in faults.weak:
                self._keep_faults()

    def erase(self, addr, size):
        """Erase; what has become of the cells is kept, whatever happens."""
        faults = self.faults
        before = faults.cuts, len(faults.weak), len(faults.unstable)
        try:
            super().erase(addr, size)
        finally:
            if before != (faults.cuts, len(faults.weak), len(faults.unstable)):
                self._keep_faults()

    def _load_faults(self):
        self._kept = False
        try:
            with open(self._path + _FAULTS) as file:
                kept = json.loads(file.read())
        except OSError:
            return
        except ValueError:
            raise FlashError("%s is damaged: remove it" % (self._path + _FAULTS))
        self._kept = True
        for page, cells, left in kept["weak"]:
            self.faults.weak[page] = (binascii.unhexlify(cells), left)
        for page in kept["unstable"]:
            self.faults.unstable[page] = 1

    def _keep_faults(self):
        faults, path = self.faults, self._path + _FAULTS
        if not (faults.weak or faults.unstable):
            if self._kept:
                _remove(path)
            self._kept = False
            return
        weak = [(page, str(binascii.hexlify(cells), "ascii"), left) for page, (cells, left) in faults.weak.items()]
        with open(path + ".part", "w") as file:
            file.write(json.dumps({"weak": weak, "unstable": sorted(faults.unstable)}))
        os.rename(path + ".part", path)
        self._kept = True


def _open(path):
    try:
        return open(path, "r+b", buffering=0)
    except OSError as e:
        raise FlashError("cannot open the flash file %s: %s" % (path, e))


def _remove(path):
    try:
        os.remove(path)
    except OSError:
        pass
