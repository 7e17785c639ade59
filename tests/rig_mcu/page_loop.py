"""How many instructions of a Cortex-M3 one page of an update costs: written through the driver, read back, hashed, unpacked before.

The agent's installer runs on the emulated board twice, over a smaller and a larger image; the difference is what pages cost. The
signature is not checked meanwhile. The chip is ready when it is looked at first; a real one lets the processor wait.

python -m tests.rig_mcu.page_loop            # both figures
python -m tests.rig_mcu.page_loop --parts    # what single works of a page cost
"""

import sys
import tempfile
from contextlib import contextmanager

from board import rig_mps2
from flash_tools.errors import ToolError
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


# Each is done so many times, and costs so much a page.
_PARTS = (
    ("sha256 of a page", 1, "sha.update(page)"),
    ("crc32 of a page", 1, "crc32(page)"),
    ("a page of a chunk compared", 1, "page == other"),
    ("clock.ms()", 1, "clock.ms()"),
    ("feed()", 1, "feed()"),
    ("status by the link", 1, "link.query(b'\\x05', status)"),
    ("write enable by the link", 1, "link.command(b'\\x06')"),
    ("region.busy(), idle", 1, "image.busy()"),
    ("region.read of a page", 1, "image.read(0, page)"),
    ("region.read of 1 KiB, a page of it", 4, "image.read(0, large)"),
    ("region.read of 4 KiB, a page of it", 16, "image.read(0, chunk)"),
    ("region.program of a page", 1, "image.program(i * 256, page)"),
)
_MEASURE = """
import hashlib
from binascii import crc32
from hal.nor_spi import NorSpi
from hal.region import Region
from hal.watchdog import Feeder
clock = Clock()
port, feed = MicroPort(clock, Watchdog(), print), Feeder(Watchdog(), clock).feed
link = port.spi(chosen.SPI, chosen.SPI_HZ, chosen.CS)
image = Region(NorSpi(link, clock, feed, chosen.CHIP), 1 << 21, 1 << 20)
page, other, large, chunk = [memoryview(bytearray(n)) for n in (256, 256, 1024, 4096)]
sha, status = hashlib.sha256(), bytearray(1)
def take(work):
    work(0)
    begun = time.ticks_cpu()
    for i in range(1, 33): work(i)
    return time.ticks_diff(time.ticks_cpu(), begun)
empty = take(lambda i: None)
"""


def measure() -> dict[str, int]:
    """Return the figures: of a package whose blocks are stored, and of one whose blocks are deflated."""
    goods = McuGoods()
    image = goods.image("1.0")
    return {
        "page_loop_instructions": _page(goods, image, "none"),
        "page_loop_inflate_instructions": _page(goods, image, "deflate"),
    }


def parts() -> dict[str, int]:
    """Return the instructions that single works of a page cost."""
    goods = McuGoods()
    source = _setup(goods) + _MEASURE
    for number, (_, _, work) in enumerate(_PARTS):
        source += "print(%d, take(lambda i: %s) - empty)\n" % (number, work)
    with _made(goods) as board:
        board.on()
        lines = [line.split() for line in board.run(source, _RUN_S).splitlines()]
    return {_PARTS[int(i)][0]: int(ticks) * TICK_INSTRUCTIONS // 32 // _PARTS[int(i)][1] for i, ticks in lines}


@contextmanager
def _made(goods):
    """Give a board with a prompt whose chip is done at once."""
    with tempfile.TemporaryDirectory(prefix="rig-mcu-") as folder:
        settings = Settings(512 << 10, repl=True, program_step=_PAGE, erase_steps=0)
        with Microcontroller(folder, build(), settings, counted=True) as board:
            board.memory.load_rom(goods.rom())
            yield board
            complaint = board.memory.complaint
    if complaint:
        raise ToolError("the chip complains: " + complaint)


def _page(goods, image, encoding):
    with _made(goods) as board:
        ticks = [_install(board, goods, image[:size], encoding) for size in (_SMALL, _LARGE)]
    return (ticks[1] - ticks[0]) * TICK_INSTRUCTIONS // ((_LARGE - _SMALL) // _PAGE)


def _install(board, goods, image, encoding):
    package = goods.package(image, "2.0", encoding=encoding)
    board.memory.load_chip(b"\xff" * CHIP_SIZE)
    board.memory.write(_PACKAGE_AT, package)
    board.on()
    source = "print('ticks', install(%d, %d))\n" % (0x21000000 + _PACKAGE_AT, len(package))
    said = board.run(_setup(goods) + source, _RUN_S)
    _compare(board, image)
    return int(said.split()[-1])


def _setup(goods):
    return _SETUP % (goods.product, goods.model, keys.key_id(keys.public_bytes(goods.key)))


def _compare(board, image):
    """The bank must hold the image: else the figure is of something else."""
    start = next(start for name, start, _ in rig_mps2.LAYOUT if name == "bank1")
    if board.memory.read(start, len(image)) != image:
        raise ToolError("the bank does not hold what was installed")


def main() -> None:
    """Print them."""
    for name, count in (parts() if "--parts" in sys.argv else measure()).items():
        print("%-36s %7d" % (name, count))


if __name__ == "__main__":
    main()
