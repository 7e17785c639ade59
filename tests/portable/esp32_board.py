"""An ESP32 as its boot control sees it: the model with two small slots, otadata, the note's partition; its boots."""

from agent.compat import const
from hal.boot_esp32 import OtaControl
from hal.boot_record import BootRecord
from hal.flash_esp32 import Esp32Flash, ota_slots, otadata_partition, state_partition
from hal.otadata import Otadata
from hal.region import Region
from tests.portable.boards import make_flash
from tests.portable.esp32_model import APP, DATA, Esp, make_image

SLOT, STATE = const(0x2000), const(0x4000)
TABLE = (
    ("nvs", DATA, 2, 0x0, 0x1000),
    ("otadata", DATA, 0, 0x1000, 0x2000),
    ("ota_0", APP, 0x10, 0x10000, SLOT),
    ("ota_1", APP, 0x11, 0x18000, SLOT),
    ("fumo", DATA, 6, 0x20000, STATE),
)
IMAGES = (make_image(b"bank 0 " * 20), make_image(b"bank 1 " * 20))


class Board:
    """`confirmed` is the bank that a normal boot starts; both banks hold an image."""

    def __init__(self, confirmed=0, rollback=True):
        self.flash, self.said, self.feeds = make_flash(blocking=True), [], 0
        self.esp = Esp(self.flash, TABLE, rollback)
        for number, image in enumerate(IMAGES):
            self.flash.load(self.esp.slots[number][3], image)
        self.boot()
        if confirmed:
            self.process().set_trial(1, 1)
            self.boot().confirm()
        self.flash.wear = {}

    def boot(self):
        """Return the control of a boot that a reset began."""
        self.flash.power_on(self.feed)
        self.esp.start()
        return self.process()

    def process(self):
        """Return the control of another process in the same boot."""
        partitions = self.esp.Partition
        otadata = Otadata(Esp32Flash(otadata_partition(partitions), self.feed))
        return OtaControl(partitions, otadata, ota_slots(partitions, SLOT), self.note(), self.feed, self.log)

    def note(self):
        """Return the note as a boot reads it."""
        state = Esp32Flash(state_partition(self.esp.Partition, "fumo", STATE), self.feed)
        return BootRecord(Region(state, 0, 3 * 4096))

    def damage(self, bank):
        """Spoil an image."""
        self.flash.erase(self.esp.slots[bank][3], 4096)

    def feed(self):
        """Count."""
        self.feeds += 1

    def log(self, text, *arguments):
        """Keep what was said."""
        self.said.append(text % arguments if arguments else text)
