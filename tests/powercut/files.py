"""The update explored on a flash that is files: an operation is a file that is replaced, which a cut does wholly or not at all.

That littlefs keeps this promise is what tests/portable/test_flash_files_littlefs.py shows; here the agent is shown to need no more.
"""

from random import Random

from hal.flash_files import UNIT, FlashFiles
from ports.sim.clock import Clock
from ports.sim.faults import Faults
from ports.sim.nor import Nor
from tests.powercut.explore import Explorer, Point
from tests.powercut.worlds import GEOMETRIES, World, make_world

EFFECTS = ("none", "done", "reset")


class _Replacing(Faults):
    """A cut leaves the old file or the new one."""

    def program(self, addr, data):
        """Replace a unit."""
        nor = self._nor
        cut = nor.ops == self.cut_at
        if not (cut and self.effect == "none"):
            nor.load(addr, data + b"\xff" * (UNIT - len(data)))
        if cut:
            self._end()


class FilesChip(Nor):
    """The simulated chip as FlashFiles sees it: what is on `pages` is in files, the rest is lost with the power."""

    def __init__(self, geometry, clock):
        super().__init__(geometry, clock, blocking=True)
        self.faults = _Replacing(self)
        self.power_on(_nobody)
        self.erase_units, self.page = self._files.erase_units, self._files.page

    def power_on(self, feed, cold=True):
        """Begin a boot: what was gathered is gone, whatever reset it was."""
        super().power_on(feed, cold)
        self._files = FlashFiles(_Folder(self), self.size, feed)

    def restore(self, saved):
        """Go back to a snapshot."""
        super().restore(saved)
        self.power_on(_nobody)

    def read(self, addr, into):
        """Read files."""
        self._files.read(addr, into)

    def program(self, addr, data):
        """Gather."""
        self._files.program(addr, data)

    def erase(self, addr, size):
        """Gather."""
        self._files.erase(addr, size)

    def busy(self):
        """Write what was gathered."""
        return self._files.busy()


class _Folder:
    def __init__(self, chip):
        self._chip = chip

    def read(self, name, offset, into):
        self._chip.copy(int(name, 16) * UNIT + offset, into)
        return len(into)

    def write(self, name, data):
        chip, addr = self._chip, int(name, 16) * UNIT
        chip._guard(addr, UNIT)
        chip.clock.us += 60000
        chip.faults.program(addr, bytes(data))

    def free(self):
        return self._chip.size


class _World(World):
    def chip(self, worst=False, blocking=False):
        chip = FilesChip(GEOMETRIES[self.geometry], Clock())
        chip.pages = dict(self.pages)
        return chip


class _Point(Point):
    effects = EFFECTS


class FilesExplorer(Explorer):
    """The explorer over such a chip."""

    point = _Point


def explorer(name: str) -> FilesExplorer:
    """Return one for the world of that name."""
    return FilesExplorer(_World(**vars(make_world(*name.split("/")))))


def every_cut(found: FilesExplorer, name: str) -> int:
    """Make every single cut; return how many operations the update has."""
    points = found.base()
    for number, point in enumerate(points):
        for effect in EFFECTS:
            found.branch(point, effect, (name, (number, effect)))
    return len(points)


def random_cuts(found: FilesExplorer, name: str, seed: int) -> None:
    """Make up to six cuts in a row, at random."""
    random, points, path = Random(f"{name}~{seed}"), found.fresh_points(), (name, "~%d" % seed)
    resets = 0
    for _ in range(random.randint(2, 6)):
        if points:
            effect = random.choice(
                EFFECTS if resets < 2 else EFFECTS[:2]
            )  # three crashes in a row are a reason to fall back
            resets += effect == "reset"
            points = found.branch(random.choice(points), effect, path + (random.random(),), True)


def _nobody():
    """Feed no watchdog."""
