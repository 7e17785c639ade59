"""The flash of a device of a fleet: in memory, where all begin with the same cells, or a file of its own."""

from pathlib import Path

from flash_tools.fleet.files import FIRST, own_flash
from ports.sim.flash_file import FileNor, make_geometry
from ports.sim.host import lock
from ports.sim.nor import Nor

_PAGE = 256
_POLL_US = 500  # how long a device that polls its chip leaves it alone


class Chips:
    """Makes the chips of one fleet; `speed` is the part of the typical times that operations take."""

    def __init__(self, in_memory: bool, speed: float):
        self._in_memory, self._speed = in_memory, speed
        self._first = {}

    def make(self, files, clock) -> Nor:
        """Return the chip of a device, as it was left."""
        if self._in_memory:
            chip = self._copy(files.folder.parent / FIRST, clock)
        else:
            chip = FileNor(str(own_flash(files)), clock, self._speed)
            lock(chip, files.flash)
        chip.poll_us = _POLL_US
        return chip

    def _copy(self, path, clock):
        if path not in self._first:
            self._first[path] = _pages(path)
        size, pages = self._first[path]
        chip = Nor(make_geometry(size, self._speed), clock)
        chip.pages = dict(pages)  # no page is ever changed in place: what nobody has written is there once
        return chip


def _pages(path):
    data = Path(path).read_bytes()
    blank = b"\xff" * _PAGE
    pages = {start // _PAGE: data[start : start + _PAGE] for start in range(0, len(data), _PAGE)}
    return len(data), {page: cells for page, cells in pages.items() if cells != blank}
