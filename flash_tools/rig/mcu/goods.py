"""What an emulated microcontroller is made of: the ROM with the first stage, a chip with a first firmware, updates for it.

Everything is made of the tree as it stands. The bank is littlefs, or ROMFS in memory that the processor can read by itself.
"""

import hashlib
import json
import tempfile
import threading
from dataclasses import dataclass, field, replace
from functools import cache, wraps
from pathlib import Path

from board import rig_mps2
from flash_tools.boards import factory_region
from flash_tools.deploy import mpy_files
from flash_tools.deploy.board_file import BoardFile, read
from flash_tools.deploy.compiled import compile_sources
from flash_tools.deploy.files import ROOT
from flash_tools.images import lfs2, romfs
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from hal.boot_record import BootRecord
from hal.region import carve, layout_hash
from ports.sim.device import install_firmware
from ports.sim.flash_file import FileNor, make_file
from ports.sim.real_clock import RealClock

KINDS = ("lfs2", "romfs")
NOTIFY_PORT = 2948
_BOARD = ROOT / "board" / "rig_mps2.py"
_APPS = {
    "good": "",
    "crash": "raise RuntimeError('this firmware crashes at its start')\n",
    "hang": "class App:\n    def step(self):\n        while True:\n            pass\n\n\ndef start(service):\n    return App()\n",
    "unfit": "self_tests = [lambda: False]\n",
}
_LAUNCH = "import boot\n\nboot.begin()\n"
_making = threading.RLock()


@dataclass
class McuGoods:
    """One board; `folder`: what the bank holds instead of the tree's own device code, compiled (a bundle)."""

    kind: str = "lfs2"
    device_id: str = "mcu:1"
    folder: Path | None = None
    key: object = field(default_factory=keys.new_key)
    product, model = "bench", "mcu"

    def chip(self, bundle: dict, version: str = "1.0", behaviour: str = "good") -> bytes:
        """Return the cells of a chip with that firmware, confirmed, and the account."""
        image = self.image(version, behaviour)
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "chip")
            make_file(path, rig_mps2.FLASH_SIZE)
            flash = FileNor(path, RealClock())
            regions = install_firmware(flash, rig_mps2.LAYOUT, 0, self.package(image, version), image)
            BootRecord(regions["boot"]).confirm()
            factory_region.write(carve(flash, rig_mps2.LAYOUT)["factory"], self._facts(bundle))
            flash.file.close()
            return Path(path).read_bytes()

    def image(self, version: str, behaviour: str = "good") -> bytes:
        """Return the image of a firmware whose application behaves like that."""
        files = {**self._files(behaviour), "version.py": b"VERSION = %s\n" % json.dumps(version).encode()}
        return romfs.build(files) if self.kind == "romfs" else lfs2.build(files)

    def update(self, version: str, behaviour: str = "good", counter: int = 1) -> bytes:
        """Return an update."""
        return self.package(self.image(version, behaviour), version, counter)

    def package(self, image: bytes, version: str, counter: int = 1, encoding: str = "deflate") -> bytes:
        """Return the package of an image."""
        layout = layout_hash(rig_mps2.LAYOUT)
        target = Target(self.product, [self.model], layout, version, counter, kind=self.kind)
        return build_package(image, target, self.key, encoding=encoding)

    def rom(self) -> bytes:
        """Return the ROM: the first stage and what starts it, and all modules each for themselves, for what is tried by hand."""
        return romfs.build({**stage(self.kind), **{"stage/" + place: data for place, data in loose().items()}})

    def _files(self, behaviour):
        if self.folder is None:
            return firmware(self.kind, behaviour)
        paths = [path for path in sorted(self.folder.rglob("*")) if path.is_file() and path.name != "manifest.json"]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}

    def _facts(self, bundle):
        files = sim_files.SimFiles(Path(), self.product, self.model, rig_mps2.FLASH_SIZE // 1024, self.key)
        facts = sim_files.facts_of(files, bundle, self.device_id)
        facts.pop("ca_pem", None)
        return {**facts, "board": "rig_mps2", "layout": [list(part) for part in rig_mps2.LAYOUT]}


def made_once(function):
    """Decorate what is made of the tree: once, and one at a time, since Python's parser trips over itself in two threads."""
    cached = cache(function)

    @wraps(function)
    def alone(*args):
        with _making:
            return cached(*args)

    return alone


@made_once
def board_file(kind: str) -> BoardFile:
    """Return the board file for a kind of bank."""
    board = read(_BOARD.stem, _BOARD)
    wanted = 'IMAGE_KIND = "%s"' % kind
    constants = {**board.constants, "IMAGE_KIND": kind}
    return replace(board, text=board.text.replace('IMAGE_KIND = "lfs2"', wanted), constants=constants)


@made_once
def firmware(kind: str, behaviour: str) -> dict[str, bytes]:
    """Return the files of a bank, as `fumo deploy` makes them."""
    app = {"app.py": _APPS[behaviour].encode()} if _APPS[behaviour] else {}
    return mpy_files.firmware(ROOT, board_file(kind), app, None)


@made_once
def stage(kind: str) -> dict[str, bytes]:
    """Return the files of the first stage."""
    sources = mpy_files.first_stage_sources(ROOT, board_file(kind))
    return compile_sources(sources | {"boot.py": mpy_files.launcher(ROOT).decode(), "launch.py": _LAUNCH}, lines=False)


@made_once
def loose() -> dict[str, bytes]:
    """Return every module of the device code as a file."""
    return mpy_files.each_module(ROOT, board_file("lfs2"), {}, None)


def digest(data: bytes) -> str:
    """Return what images are told apart by."""
    return hashlib.sha256(data).hexdigest()
