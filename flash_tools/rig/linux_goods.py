"""What a Linux board with one NOR chip is made of: a real image of the agent, the chip that holds it, and its settings.

The application in the image behaves as a scenario wants it: well, or as badly as firmware can.
"""

import hashlib
import importlib
import json
import sys
import tempfile
from functools import cache
from pathlib import Path

from flash_tools.boards import factory_region
from flash_tools.deploy.files import Wish, build
from flash_tools.errors import UsageError
from flash_tools.images import zip_image
from flash_tools.packages.package_build import Target, build_package
from flash_tools.rig.emulator.project_files import GUEST_VERSION
from flash_tools.rig.wishes import WISHES, Wishes
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from hal.boot_record import BootRecord
from hal.region import carve, layout_hash
from ports.sim.device import install_firmware
from ports.sim.flash_file import FileNor, make_file
from ports.sim.real_clock import RealClock

FLASH, CONFIG = "flash.img", "config.toml"
NOTIFY_PORT = 2948
_EMULATED = "rig_imx6"  # its Python is known
_READ = ("version.py", "__main__.py")  # as text: by tools, and by whoever looks for what Python starts
_STEP = "class App:\n    def step(self):\n        %s\n        return 100\n\n\ndef start(service):\n    return App()\n"
_PANIC = "open('/proc/sysrq-trigger', 'w').write('c')"
_DEADLOCK = "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()"
BEHAVIOURS = {
    "good": _STEP % "pass",
    "crash": "raise RuntimeError('this firmware crashes at its start')\n",
    "exit": "import os\n\nos._exit(0)\n",
    "hang": _STEP % "while True:\n            pass",
    "deadlock": _STEP % _DEADLOCK,
    "panic": _STEP % _PANIC,
    "unfit": "self_tests = [lambda: False]\n",
    "crash-confirmed": "def start(service):\n    if not service.on_trial:\n        raise RuntimeError('it crashes')\n",
}


class LinuxGoods:
    """One board; each call of `files` makes another one, with its own key, and updates are for the last one."""

    old = "1.0"

    def __init__(self, device_id: str = "rig:1", board: str = _EMULATED, product: str = "bench", model: str = "rig"):
        self.device_id, self._board, self.product, self.model = device_id, board, product, model
        self.key, self._file = keys.new_key(), board_file(board)

    def files(self, bundle: dict, wishes: Wishes | None = None, size: int | None = None) -> dict[str, bytes]:
        """Return the chip and the settings of a board that has this account and does what a scenario wishes."""
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / FLASH)
            self._make_chip(path, bundle)
            chip = Path(path).read_bytes()
        found = {FLASH: chip, CONFIG: self.settings(wishes)}
        return {**found, WISHES: wishes.pack()} if wishes else found

    def update(
        self, version: str, behaviour: str = "good", size: int | None = None, counter: int = 1, **options
    ) -> bytes:
        """Make an update; it is deflated already, so packing it again would be for nothing."""
        return self.package(image(version, behaviour, self._board, size or 0), version, counter, **options)

    def package(self, data: bytes, version: str, counter: int = 1, encoding: str = "none", **options) -> bytes:
        """Make the package of an image."""
        target = Target(self.product, [self.model], layout_hash(self._file.LAYOUT), version, counter, kind="zip")
        return build_package(data, target, self.key, encoding=encoding, **options)

    def settings(self, wishes: Wishes | None) -> bytes:
        """Return config.toml."""
        words = wishes or Wishes(user="yes")
        linux = {"board": self._board, "user": words.user}
        agent = {"notify_port": NOTIFY_PORT, "poll_interval_ms": words.poll_s * 1000, "wbxml": not words.xml}
        agent |= {"trial_min_ms": words.trial_s * 1000, "trial_max_ms": words.trial_max_s * 1000, "needs_server": False}
        lines = ["[linux]", *_toml(linux), "[agent]", *_toml(agent)]
        return "\n".join(lines).encode() + b"\n"

    def _make_chip(self, path, bundle):
        data = image(self.old, "good", self._board)
        make_file(path, self._file.FLASH_SIZE)
        flash = FileNor(path, RealClock())
        regions = install_firmware(flash, self._file.LAYOUT, 0, self.package(data, self.old), data)
        BootRecord(regions["boot"]).confirm()
        factory_region.write(carve(flash, self._file.LAYOUT)["factory"], self._facts(bundle))
        flash.file.close()

    def _facts(self, bundle):
        files = sim_files.SimFiles(Path(), self.product, self.model, self._file.FLASH_SIZE // 1024, self.key)
        facts = sim_files.facts_of(files, bundle, bundle.get("device_id") or self.device_id)
        return {**facts, "board": self._board, "layout": [list(part) for part in self._file.LAYOUT]}


def board_file(name: str):
    """Return a board file of one NOR chip, which says how large that is and what lies where on it."""
    try:
        module = importlib.import_module("board." + name)
        _ = module.LAYOUT, module.FLASH_SIZE
        return module
    except (ImportError, AttributeError):
        raise UsageError(
            "board/%s.py is no board with one flash chip: it has to say LAYOUT and FLASH_SIZE" % name
        ) from None


def _toml(values):
    return ["%s = %s" % (name, json.dumps(value)) for name, value in values.items()]


@cache
def image(version: str, behaviour: str = "good", board: str = _EMULATED, size: int = 0) -> bytes:
    """Make the zip of a firmware: the agent as it stands in the tree, and an application that behaves like that."""
    files = build(Wish("cpython_linux", board))
    files.update(
        {"version.py": b"VERSION = %s\n" % json.dumps(version).encode(), "app.py": BEHAVIOURS[behaviour].encode()}
    )
    data = _pack(files, board)
    if len(data) < size:  # a file of noise in front, which no packing makes smaller
        noise = b"".join(
            hashlib.sha256(b"%d %s" % (i, version.encode())).digest() for i in range((size - len(data)) // 32)
        )
        data = _pack({**files, "noise.bin": noise}, board)
    return data


def _pack(files, board):
    """Return the zip; bytecode alone where this Python is the emulated board's: a third less to write in each scenario."""
    if board != _EMULATED or sys.version_info[:2] != GUEST_VERSION:
        return zip_image.build(files, deflated=True, compiled=True)
    rest = {path: data for path, data in files.items() if not path.endswith(".py") or path in _READ}
    return zip_image.build({**rest, **zip_image.bytecode(files)}, deflated=True)
