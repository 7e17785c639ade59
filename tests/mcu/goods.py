"""A Pico W with a NOR chip, as files in a folder: the fake board of tests/mcu/fake, and on its chip real images with the agent.

The board file is board/pico_w_nor.py as it stands, but for options that a test cannot wait for. The first stage lies in a folder of
its own, as in the board's internal file system; the firmware is in the banks alone.
"""

import functools
import hashlib
import os
import pickle
import re
import sys
import tempfile
from pathlib import Path

from agent.verify import check_bank
from board.pico_w_nor import FLASH_SIZE, LAYOUT
from flash_tools.boards import factory_region
from flash_tools.deploy import board_file, mpy_files
from flash_tools.deploy.compiled import compile_sources
from flash_tools.images import lfs2
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from hal.boot_record import BootRecord
from hal.hardware import Bank
from hal.region import carve, layout_hash
from hal.single_chip import BANK_NAMES
from ports.sim.device import install_firmware
from ports.sim.flash_file import FileNor
from ports.sim.real_clock import RealClock
from tests.mcu.behaviours import BEHAVIOURS
from tests.mcu.fake_board import ROOT, make_board

CACHE = ROOT / "build" / "mcu-made"
_MADE_OF = ("agent", "hal", "ports/micropython", "board", "flash_tools/deploy", "tests/mcu")
WLAN = ("home", "its key")
_OPTIONS = {
    "name": "pico_w_nor",
    "small": True,
    "notify_port": 0,
    "nap_ms": 20,
    "trial_min_ms": 0,
    "trial_max_ms": 20000,
    "needs_server": False,
}


class Goods:
    """`folder` gets all of it; `version` is what it runs at first; further options are those of the agent."""

    def __init__(self, folder: Path, bundle: dict, version="1.0", behaviour="asks", settings=None, **options):
        self.folder, self.key, self.options = folder, keys.new_key(), {**_OPTIONS, **options}
        self.device_id = bundle.get("device_id", "mcu:1")
        made = {"wlan": dict([WLAN]), "speed": 0, "date": "host", "pins": {"15": 1}, **(settings or {})}
        make_board(folder, part="W25Q128", **made)
        self._write_stage()
        self.put(0, version, behaviour)
        regions = self.regions()
        BootRecord(regions["boot"]).confirm()
        files = sim_files.SimFiles(Path(), "paper", "p", FLASH_SIZE // 1024, self.key)
        facts = sim_files.facts_of(files, bundle, self.device_id)
        more = {"layout": [list(part) for part in LAYOUT], "wifi": [list(WLAN)]}
        factory_region.write(regions["factory"], {**facts, **more})

    @property
    def flash(self) -> Path:
        """Return the file of the chip."""
        return self.folder / "flash.bin"

    @property
    def stage(self) -> Path:
        """Return what the internal file system holds."""
        return self.folder / "internal"

    def image(self, version: str, behaviour="good", change=lambda files: None) -> bytes:
        """Make the image of a firmware; `change` may do something to its files."""
        return image(version, behaviour, repr(self.options), change)

    def package(self, data: bytes, version: str, **options) -> bytes:
        """Make the package of an image."""
        target = Target("paper", ["p"], layout_hash(LAYOUT), version, 1, kind=options.pop("kind", "lfs2"))
        return build_package(data, target, self.key, **{"encoding": "none", **options})

    def update(self, version: str, behaviour="good", **options) -> bytes:
        """Make an update of firmware that behaves like that."""
        return self.package(self.image(version, behaviour), version, **options)

    def put(self, bank: int, version: str, behaviour="good", data: bytes | None = None):
        """Put firmware into a bank, as a factory does."""
        data = data or self.image(version, behaviour)
        install_firmware(self.chip(), LAYOUT, bank, self.package(data, version), data)

    def preload(self, bank: int, data: bytes):
        """Put an image into a bank without its header: what is there already need not be written, only be verified."""
        start = next(at for name, at, _ in LAYOUT if name == BANK_NAMES[bank][0])
        with self.flash.open("r+b") as file:
            file.seek(start)
            file.write(data)

    def spoil(self, name: str, size: int = 64, at: int = 0):
        """Clear bytes of a region."""
        start = next(start for region, start, _ in LAYOUT if region == name)
        with self.flash.open("r+b") as file:
            file.seek(start + at)
            file.write(bytes(size))

    def confirm(self, bank: int):
        """Let a bank be the confirmed one."""
        record = self.boot()
        record.run(bank)
        record.confirm()

    def chip(self) -> FileNor:
        """Return the chip."""
        chip = FileNor(str(self.flash), RealClock())
        chip.power_on(lambda: None)
        return chip

    def regions(self):
        """Return the regions of the chip by name."""
        return carve(self.chip(), LAYOUT)

    def boot(self) -> BootRecord:
        """Return what the boot record says."""
        return BootRecord(self.regions()["boot"])

    def holds(self, bank: int):
        """Return the manifest of a bank that is whole and rightly signed, else None."""
        regions = self.regions()
        image_name, header_name = BANK_NAMES[bank]
        return check_bank(Bank(regions[image_name], regions[header_name]), Trust(self.key), lambda: None)

    def _write_stage(self):
        for place, data in _stage(repr(self.options)).items():
            path = self.stage / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (self.stage / "bench").unlink()


class Trust:
    """Whom the board trusts."""

    def __init__(self, key):
        from agent.p256 import verify

        public = keys.public_bytes(key)
        self.anchors, self.verify = ((keys.key_id(public), public),), verify


@functools.cache
def _board(options):
    """Return the board file, with options that a test can wait for."""
    path = ROOT / "board/pico_w_nor.py"
    text, count = re.subn("(?m)^OPTIONS = .*$", "OPTIONS = " + options, path.read_text())
    assert count == 1
    with tempfile.TemporaryDirectory() as folder:
        changed = Path(folder) / path.name
        changed.write_text(text)
        return board_file.read("pico_w_nor", changed)


@functools.cache
def _stage(options):
    return _kept("stage", options, lambda: mpy_files.first_stage(ROOT, _board(options), None))


@functools.cache
def _modules(options):
    """Return the firmware, a file for each module: quicker made than one program of all."""
    apps = {"%s.py" % name.replace("-", "_"): text.encode() for name, text in BEHAVIOURS.items()}

    def make():
        files = mpy_files.each_module(ROOT, _board(options), apps, None)
        return {place: data for place, data in files.items() if place.removesuffix(".mpy") + ".py" not in apps}

    return _kept("modules", options, make)


def _kept(name, options, make):
    """Return what `make` makes; it takes seconds, so it is kept for the next run with the same sources."""
    digest = hashlib.sha256((name + options + sys.version).encode())
    for folder in _MADE_OF:
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    kept = CACHE / ("%s-%s.pickle" % (name, digest.hexdigest()[:16]))
    if not kept.exists():
        made = make()
        CACHE.mkdir(parents=True, exist_ok=True)
        for older in sorted(CACHE.glob(name + "-*.pickle"), key=lambda path: path.stat().st_mtime)[:-4]:
            older.unlink(missing_ok=True)
        part = kept.with_suffix(".%d" % os.getpid())
        part.write_bytes(pickle.dumps(made))
        part.replace(kept)
    return pickle.loads(kept.read_bytes())


@functools.cache
def image(version: str, behaviour: str, options: str, change) -> bytes:
    """Make the littlefs image of a firmware."""
    files = dict(_modules(options))
    files["version.py"] = b'VERSION = "%s"\n' % version.encode()
    files.update(compile_sources({"app.py": BEHAVIOURS[behaviour]}))
    change(files)
    least = sum(-(-len(data) // lfs2.BLOCK) for data in files.values())
    return lfs2.build(files, (least + len(files) + 40) * lfs2.BLOCK)
