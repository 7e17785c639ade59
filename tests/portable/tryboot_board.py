"""A Pi as its boot control sees it: the files it is given, the flash with its note, its boots and processes."""

from agent.errors import FlashError
from hal.boot_record import BootRecord
from hal.boot_tryboot import TrybootControl
from hal.region import Region
from tests.portable.boards import make_flash

GOOD = b"[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n"
SWAPPED = b"[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n"
BANKS = ((2, "p2", "p5"), (3, "p3", "p6"))
PI4, PI5 = ("raspberrypi,4-model-b", "brcm,bcm2711"), ("raspberrypi,5-model-b", "brcm,bcm2712")


class Files:
    """The system, as far as the boot control sees it."""

    def __init__(self, partition=2, root="p5", data=GOOD, kind=PI4):
        self.numbers = {"partition": partition, "boot-mode": 1, "build-timestamp": 1760000000, "tryboot": 0}
        self.kind, self.place, self.data, self.mounts = kind, root, data, {}
        self.text, self.fails, self.writes, self.probes = "", "", 0, 0

    def read(self):
        return self.data

    def replace(self, data):
        if self.fails:
            raise FlashError(self.fails)
        self.data = data
        self.writes += 1

    def probe(self, data):
        if self.fails:
            raise FlashError(self.fails)
        self.probes += 1

    def number(self, name):
        return self.numbers.get(name)

    def compatible(self):
        return self.kind

    def root(self):
        return self.place

    def mounted(self, name):
        return self.mounts.get(name, "")

    def arm(self, text):
        self.text = text

    def armed(self):
        return self.text


class Board:
    """The card and its boots: the flash with the note, and what is said."""

    def __init__(self, **more):
        self.flash, self.files, self.said = make_flash(), Files(**more), []

    def boot(self, partition=None):
        """Return the control of a boot that a reset began; without a partition autoboot.txt says which."""
        files = self.files
        if partition is None:
            partition = 3 if files.data == SWAPPED else 2
        files.numbers["partition"], files.place, files.text = partition, "p5" if partition == 2 else "p6", ""
        return self.process()

    def process(self):
        """Return the control of another process in the same boot."""
        return TrybootControl(self.files, BANKS, self.note(), self.log)

    def note(self):
        return BootRecord(Region(self.flash, 0, 3 * 4096))

    def log(self, text, *arguments):
        self.said.append(text % arguments if arguments else text)
