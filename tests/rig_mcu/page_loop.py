"""How many instructions of a Cortex-M3 one page of an update costs: unpacked, written through the driver, read back, hashed.

The agent's installer runs on the emulated board twice, over a smaller and a larger image; the difference is what pages cost. The
signature is not checked meanwhile. The chip is ready when it is looked at first; a real one lets the processor wait.
"""

import tempfile

from board import rig_mps2
from flash_tools.rig.mcu.build import build
from flash_tools.rig.mcu.goods import McuGoods
from flash_tools.rig.mcu.machine import TICK_INSTRUCTIONS, Microcontroller
from flash_tools.rig.mcu.memory import CHIP_SIZE, Settings
from flash_tools.signing import keys

_PACKAGE_AT = 12 << 20  # in the shared memory
_SMALL, _LARGE, _PAGE = 32 << 10, 96 << 10, 256
_RUN_S = 240
_SETUP = """
import sys, vfs, uctypes, time, gc
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(0x21800000, 0x400000)), "/rom")
sys.path.insert(0, "/rom/stage")
from agent.installer import DONE, Installer
from agent.record import Record
from board import chosen
from ports.micropython.clock import Clock
from ports.micropython.port import MicroPort
class Watchdog:
    timeout_ms = 8000
    def feed(self): pass
class Forgetful:
    def get(self, key, into): return -1
    def put(self, changes): pass
    def note(self, key, data): pass
    def tally(self, key, data): return True
class Trust:
    product, model = %r, %r
    anchors = ((%r, b""),)
    def verify(self, key, digest, signature): return True
class Stream:
    def __init__(self, addr, size):
        self._data, self._at = memoryview(uctypes.bytearray_at(addr, size)), 0
    def read_into(self, into):
        count = min(len(into), len(self._data) - self._at, 512)
        into[:count] = self._data[self._at:self._at + count]
        self._at += count
        return count
hardware = chosen.build(MicroPort(Clock(), Watchdog(), print))
def install(addr, size):
    gc.collect()
    installer, stream = Installer(hardware.banks[1], Trust(), None, Record(Forgetful())), Stream(addr, size)
    installer.start(hardware.erase_units, hardware.layout, None)
    begun = time.ticks_cpu()
    while installer.step(stream) != DONE: pass
    return time.ticks_diff(time.ticks_cpu(), begun)
"""


def measure() -> int:
    """Return the instructions of a page."""
    goods = McuGoods()
    image = goods.image("1.0")
    with tempfile.TemporaryDirectory(prefix="rig-mcu-") as folder:
        settings = Settings(512 << 10, repl=True, program_step=_PAGE, erase_steps=0)
        board = Microcontroller(folder, build(), settings, counted=True)
        with board:
            board.memory.load_rom(goods.rom())
            ticks = [_install(board, goods, image[:size]) for size in (_SMALL, _LARGE)]
            complaint = board.memory.complaint
    if complaint:
        raise SystemExit("the chip complains: " + complaint)
    return (ticks[1] - ticks[0]) * TICK_INSTRUCTIONS // ((_LARGE - _SMALL) // _PAGE)


def _install(board, goods, image):
    package = goods.package(image, "2.0")
    board.memory.load_chip(b"\xff" * CHIP_SIZE)
    board.memory.write(_PACKAGE_AT, package)
    board.on()
    key_id = keys.key_id(keys.public_bytes(goods.key))
    source = _SETUP % (goods.product, goods.model, key_id)
    source += "print('ticks', install(%d, %d))\n" % (0x21000000 + _PACKAGE_AT, len(package))
    said = board.run(source, _RUN_S)
    _compare(board, image)
    return int(said.split()[-1])


def _compare(board, image):
    """The bank must hold the image: else the figure is of something else."""
    start = next(start for name, start, _ in rig_mps2.LAYOUT if name == "bank1")
    if board.memory.read(start, len(image)) != image:
        raise SystemExit("the bank does not hold what was installed")


if __name__ == "__main__":
    print("page_loop_instructions", measure())
