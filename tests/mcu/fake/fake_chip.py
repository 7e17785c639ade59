"""The flash chip of the fake board: ports/sim/spi_chip.py with its cells in a file, which the process does not outlive.

While the chip works, half of what it does is in the file: a process that is killed then has torn a page or disturbed a sector,
one that is reset has not, because the chip keeps its power. settings["part"]: [name, JEDEC id, size, {opcode: [size, typ_us,
max_us]}, page_us, byte_us, SFDP table], bytes in hexadecimal.
"""

import binascii
import os
import sys

import fake_state as state

_SECTOR = 4096
_PAGE = 256


def borrow(name):
    """Import a module of the project and leave no trace: the board's own first stage imports the same names later."""
    before = set(sys.modules.keys())
    __import__(name)
    module = sys.modules[name]
    if sys.implementation.name == "micropython":
        for other in list(sys.modules.keys()):
            if other not in before:
                del sys.modules[other]
    return module


_spi_chip = borrow("ports.sim.spi_chip")
_RealClock = borrow("ports.sim.real_clock").RealClock


class Sectors:
    """The cells as the model wants them, a dictionary of sectors; one at a time is in memory."""

    def __init__(self, file):
        self.file = file
        self._cells, self._number = bytearray(_SECTOR), -1

    def get(self, number):
        """Return the cells of a sector; what is changed in them has to be flushed."""
        if number != self._number:
            self.file.seek(number * _SECTOR)
            if self.file.readinto(self._cells) != _SECTOR:
                raise OSError(5, "the flash file is shorter than the chip")
            self._number = number
        return self._cells

    __getitem__ = get

    def __contains__(self, number):
        return True

    def __setitem__(self, number, cells):
        self._number = -1
        self.file.seek(number * _SECTOR)
        self.file.write(cells)

    def put(self, addr, cells):
        """Write a few cells."""
        self.file.seek(addr)
        self.file.write(cells)


class FileChip(_spi_chip.SpiChip):
    """The chip; what it is busy with is in the file as a half until it is done."""

    def __init__(self, part, file, speed, torn):
        super().__init__(part, _RealClock(), 1 << 50)
        self.sectors = Sectors(file)
        self._torn, self._left = torn and speed > 0, None

    @property
    def _working(self):
        working = self.fault == "stuck" or self.clock.us < self._busy_until
        if self._left and not working:
            self.finish()
        return working

    def finish(self):
        """Do what is left: the chip had the power to."""
        left, self._left = self._left, None
        if left:
            left()

    def _page_program(self, addr, data):
        start = self._sector(addr // _SECTOR) * _SECTOR + addr % _SECTOR // _PAGE * _PAGE
        before = bytes(self.sectors.get(start // _SECTOR)[start % _SECTOR : start % _SECTOR + _PAGE])
        super()._page_program(addr, data)
        after = bytes(self.sectors.get(start // _SECTOR)[start % _SECTOR : start % _SECTOR + _PAGE])
        if not self._torn:
            self.sectors.put(start, after)
            return
        some = os.urandom(_PAGE)  # bits that have changed already
        self.sectors.put(start, bytes([a | b & s for a, b, s in zip(after, before, some)]))
        self._left = lambda: self.sectors.put(start, after)

    def _erase(self, opcode, addr):
        size, typ_us, max_us = self.part.erases[opcode]
        first, count = addr // size * size // _SECTOR, size // _SECTOR
        if self._torn:
            some = os.urandom(_PAGE)
            for number in range(first, first + count):
                at = self._sector(number)
                cells = self.sectors.get(at)
                self.sectors.put(at * _SECTOR, bytes([cell | s for cell, s in zip(cells[:_PAGE], some)]))
                self.sectors._number = -1
        self._left = lambda: self._blank(first, count)
        if not self._torn:
            self.finish()
        self._work(max_us if self.worst else typ_us)

    def _blank(self, first, count):
        for number in range(first, first + count):
            self.sectors[self._sector(number)] = b"\xff" * _SECTOR


def make_chip():
    """Return the chip that the settings describe, None where the board has none."""
    facts, settings = state.settings["part"], state.settings
    if not facts:
        return None
    name, jedec, size, erases, page_us, byte_us, sfdp = facts
    speed = settings["speed"]
    units = {int(op): (unit, int(typ * speed), most) for op, (unit, typ, most) in erases.items()}
    page, first = (int(page_us[0] * speed), page_us[1]), [int(us * speed) for us in byte_us]
    part = _spi_chip.Part(
        name, binascii.unhexlify(jedec), size, units, page, tuple(first), binascii.unhexlify(sfdp), reset=True
    )
    chip = FileChip(part, open(state.path(settings["flash"]), "r+b", buffering=0), speed, settings["torn"])
    chip.fault, chip.wrap = settings["fault"], settings["wrap"]
    state.before_end.append(chip.finish)
    return chip
