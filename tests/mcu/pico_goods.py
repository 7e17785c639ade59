"""A Pico without a NOR chip, as files in a folder: banks in the littlefs of its own flash, or in a ROMFS partition.

The board file is the project's, but for options that a test cannot wait for; its firmware is one piece, as `fumo deploy` makes it.
The littlefs is at /fumo, since / is that of the computer.
"""

import functools
import importlib
import types

from flash_tools.boards import factory_region
from flash_tools.chips import unit_files
from flash_tools.deploy.compiled import compile_sources
from flash_tools.images import lfs2, romfs
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from hal.boot_record import BootRecord
from hal.region import carve, layout_hash
from ports.sim.clock import Clock
from ports.sim.device import install_firmware
from ports.sim.nor import Geometry, Nor
from tests.mcu import made
from tests.mcu.behaviours import BEHAVIOURS
from tests.mcu.fake_board import ROOT, make_board

WLAN = ("home", "its key")
INTERNAL = 848 << 10  # of a Pico W
_OPTIONS = {"notify_port": 0, "nap_ms": 20, "trial_min_ms": 0, "trial_max_ms": 20000, "needs_server": False}
_LFS = {"block_size": 4096, "read_size": 32, "prog_size": 256, "cache_size": 1024, "lookahead_size": 32}
_MOUNT = "import rp2, vfs\nvfs.mount(vfs.VfsLfs2(rp2.Flash(), progsize=256), '/fumo')\ndel rp2, vfs\n"


class PicoGoods:
    """`folder` gets all of it; `name` is the board; `bundle` its account at a server."""

    def __init__(self, folder, bundle, name="pico_w_internal", version="1.0"):
        self.folder, self.name, self.key, self.device_id = (
            folder,
            name,
            keys.new_key(),
            bundle.get("device_id", "pico:1"),
        )
        self.files = name == "pico_w_internal"
        self.board = types.ModuleType("board.chosen")
        exec(_board(name).text, vars(self.board))
        rom = 0 if self.files else self.board.FLASH_SIZE
        pins = {"15": 1}
        make_board(folder, None, wlan=dict([WLAN]), date="host", pins=pins, internal=INTERNAL, rom=rom)
        self._chip = Nor(Geometry("own", self.board.FLASH_SIZE, ((4096, 0, 0),), (0, 0), (0, 0)), Clock())
        self._fill(version, bundle)
        self._write_stage()

    @property
    def stage(self):
        """Return where the launcher is."""
        return self.folder / "internal"

    def image(self, version, behaviour="good"):
        """Make the image of a firmware."""
        return image(self.name, version, behaviour)

    def order(self, server, version="2.0"):
        """Make an update and order it: the firmware asks for one when it starts."""
        package = server.add_package(self._package(self.image(version), version))
        return server.order(self.device_id, package)

    def cells(self) -> bytes:
        """Return what the board's flash holds now."""
        if not self.files:
            return (self.folder / "rom.bin").read_bytes()
        fs = _littlefs(bytearray((self.folder / "internal.bin").read_bytes()))
        fs.mount()
        found = {entry.name: _content(fs, entry.name) for entry in fs.scandir("/")}
        return unit_files.join(found, self.board.FLASH_SIZE)

    def boot(self) -> BootRecord:
        """Return what the boot record says."""
        self._chip.load(0, self.cells())
        return BootRecord(carve(self._chip, self.board.LAYOUT)["boot"])

    def _package(self, data, version):
        target = Target("paper", ["p"], layout_hash(self.board.LAYOUT), version, 1, kind=self.board.IMAGE_KIND)
        return build_package(data, target, self.key, encoding="none")

    def _fill(self, version, bundle):
        """Put firmware and identity onto the flash, as a factory does."""
        data, layout = self.image(version, "asks"), self.board.LAYOUT
        regions = install_firmware(self._chip, layout, 0, self._package(data, version), data)
        BootRecord(regions["boot"]).confirm()
        there = self.image("2.0")  # what is there already need not be written: it takes the time of the test
        self._chip.load(regions["bank1"].start, there[: len(there) * 3 // 5 // 4096 * 4096])
        paper = sim_files.SimFiles("", "paper", "p", self.board.FLASH_SIZE // 1024, self.key)
        facts = sim_files.facts_of(paper, bundle, self.device_id)
        facts.update(layout=[list(part) for part in layout], wifi=[list(WLAN)])
        factory_region.write(regions["factory"], facts)
        cells = bytearray(self.board.FLASH_SIZE)
        self._chip.read(0, cells)
        if self.files:
            self._write_files(unit_files.split(bytes(cells)))
        else:
            (self.folder / "rom.bin").write_bytes(cells)

    def _write_files(self, files):
        buffer = bytearray(b"\xff" * INTERNAL)
        fs = _littlefs(buffer)
        fs.format()
        fs.mount()
        for name, content in files.items():
            with fs.open(name, "wb") as file:
                file.write(content)
        fs.unmount()
        (self.folder / "internal.bin").write_bytes(fs.context.buffer)

    def _write_stage(self):
        self.stage.mkdir()
        for place, data in made.first_stage(_board(self.name)).items():
            (self.stage / place).write_bytes(data)
        if self.files:
            main = self.stage / "main.py"
            main.write_text(_MOUNT + main.read_text())


@functools.cache
def _board(name):
    """Return the board file as these tests have it."""
    return made.board_of(name, (ROOT / "board" / (name + ".py")).read_text() + "\nOPTIONS.update(%r)\n" % _OPTIONS)


def _littlefs(buffer):
    littlefs = importlib.import_module("littlefs")
    context = littlefs.UserContext(buffer=buffer)
    return littlefs.LittleFS(context=context, block_count=len(buffer) // 4096, mount=False, **_LFS)


def _content(fs, name):
    with fs.open(name, "rb") as file:
        return file.read()


@functools.cache
def image(name, version, behaviour):
    """Make the image of a firmware."""
    files = {**made.firmware(_board(name)), "version.py": b'VERSION = "%s"\n' % version.encode()}
    files.update(compile_sources({"app.py": BEHAVIOURS[behaviour]}))
    return romfs.build(files) if name == "pico_w_romfs" else lfs2.build(files)
