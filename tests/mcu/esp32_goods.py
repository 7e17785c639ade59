"""An ESP32 that boots A/B by itself, as files in a folder: the fake board of tests/mcu/fake with its bootloader.

The partition table is that of the board's page. An ESP image holds no code that could run here: its payload names the folder with
the firmware that it stands for, so what runs is what the bootloader has started, byte for byte.
"""

import functools

from flash_tools.boards import factory_region
from flash_tools.deploy.compiled import compile_sources
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from hal.region import Region, carve, layout_hash
from ports.sim.flash_file import FileNor
from ports.sim.real_clock import RealClock
from tests.host.esp32_table import table_of
from tests.mcu import made
from tests.mcu.behaviours import BEHAVIOURS
from tests.mcu.fake_board import ROOT, make_board
from tests.portable.esp32_model import Esp, make_image, payload_at

WLAN = ("home", "its key")
SIZE = 4 << 20
_OPTIONS = {"notify_port": 0, "nap_ms": 20, "trial_min_ms": 0, "trial_max_ms": 2000, "needs_server": False}
# What the bootloader does beside: it puts the firmware that runs where frozen modules would be.
_FROZEN = """import esp32
_head = bytearray(64)
esp32.Partition(esp32.Partition.RUNNING).readblocks(0, _head, %d)
_BANK = (%r + "/" + str(_head, "ascii").split()[1],)
del esp32
"""


class EspGoods:
    """`folder` gets all of it; `bundle` is its account at a server."""

    def __init__(self, folder, bundle, version="1.0"):
        self.folder, self.key, self.device_id = folder, keys.new_key(), bundle.get("device_id", "esp:1")
        self.table = table_of("esp32_ota")
        rows = [[kind, subtype, at, size, label, False] for label, kind, subtype, at, size in self.table]
        make_board(folder, None, port="esp32", partitions=rows, wlan=dict([WLAN]), date="host", pins={"27": 1})
        self.board = _board()
        self._fill(self.image(version, "asks"), bundle)
        launcher = (ROOT / "ports/micropython/boot.py").read_text()
        before, bank, after = launcher.partition('_BANK = ("/bank", ".frozen/bank")')
        assert bank
        self.stage.mkdir()
        (self.stage / "main.py").write_text(before + _FROZEN % (payload_at(), str(folder / "frozen")) + after)

    @property
    def stage(self):
        """Return where the launcher is."""
        return self.folder / "internal"

    def image(self, version, behaviour="good"):
        """Make a firmware and the image that stands for it."""
        name = "%s-%s" % (version, behaviour)
        for place, data in {**_firmware(), **_rest(version, behaviour)}.items():
            path = self.folder / "frozen" / name / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return make_image(("FIRMWARE %s\n" % name).encode() + bytes(range(256)) * 40)

    def order(self, server, behaviour, version="2.0"):
        """Make an update and order it: the firmware asks for one when it starts."""
        target = Target(
            "paper", ["p"], layout_hash(self.board.layout_of(self.board.STATE_SIZE)), version, 1, kind="raw"
        )
        data = build_package(self.image(version, behaviour), target, self.key)
        return server.order(self.device_id, server.add_package(data, behaviour + ".fup"))

    def esp(self) -> Esp:
        """Return the board as it is now, without power."""
        return Esp(self._chip(), self.table)

    def _chip(self):
        chip = FileNor(str(self.folder / "esp32.bin"), RealClock())
        chip.power_on(lambda: None)
        return chip

    def _fill(self, image, bundle):
        cells = bytearray(b"\xff" * SIZE)
        cells[0x10000 : 0x10000 + len(image)] = image
        (self.folder / "esp32.bin").write_bytes(cells)
        layout = self.board.layout_of(self.board.STATE_SIZE)
        start = next(row[3] for row in self.table if row[0] == self.board.STATE)
        regions = carve(Region(self._chip(), start, self.board.STATE_SIZE), layout)
        paper = sim_files.SimFiles("", "paper", "p", SIZE // 1024, self.key)
        facts = sim_files.facts_of(paper, bundle, self.device_id)
        facts.update(layout=[list(part) for part in layout], wifi=[list(WLAN)])
        factory_region.write(regions["factory"], facts)


@functools.cache
def _board():
    from board import esp32_ota

    return esp32_ota


@functools.cache
def _firmware():
    """Return the firmware as it is frozen, with options that a test can wait for."""
    text = (ROOT / "board/esp32_ota.py").read_text() + "\nOPTIONS.update(%r)\n" % _OPTIONS
    return made.firmware(made.board_of("esp32_ota", text))


def _rest(version, behaviour):
    app = compile_sources({"app.py": BEHAVIOURS[behaviour]})
    return {"version.py": b'VERSION = "%s"\n' % version.encode(), **app}
