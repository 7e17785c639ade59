"""A Pico W with a NOR chip, as files in a folder: the fake board of tests/mcu/fake, and on its chip real images with the agent.

The board file is board/pico_w_nor.py as it stands, but for options that a test cannot wait for. The first stage lies in a folder of
its own, as in the board's internal file system; the firmware is in the banks alone, in one piece as `fumo deploy` makes it.
"""

import functools
from pathlib import Path

from board.pico_w_nor import FLASH_SIZE, LAYOUT
from flash_tools.deploy.compiled import compile_sources
from flash_tools.images import lfs2
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing import keys
from hal.region import layout_hash
from hal.single_chip import BANK_NAMES
from tests.banked import Banked
from tests.mcu import made
from tests.mcu.behaviours import BEHAVIOURS
from tests.mcu.fake_board import ROOT, make_board

WLAN = ("home", "its key")
_OPTIONS = {"notify_port": 0, "nap_ms": 20, "trial_min_ms": 0, "trial_max_ms": 60000}


class Goods(Banked):
    """`folder` gets all of it; `version` is what it runs at first; further options are those of the agent."""

    layout = LAYOUT

    def __init__(self, folder: Path, bundle: dict, version="1.0", behaviour="asks", settings=None, **options):
        self.folder, self.key, self.options = folder, keys.new_key(), {**_OPTIONS, **options}
        self.device_id = bundle.get("device_id", "mcu:1")
        facts = {"wlan": dict([WLAN]), "speed": 0, "date": "host", "pins": {"15": 1}, **(settings or {})}
        make_board(folder, part="W25Q128", **facts)
        self._write_stage()
        self.put(0, version, behaviour)
        self.provision(bundle, FLASH_SIZE, wifi=[list(WLAN)])

    @property
    def flash(self) -> Path:
        """Return the file of the chip."""
        return self.folder / "flash.bin"

    @property
    def stage(self) -> Path:
        """Return what the internal file system holds."""
        return self.folder / "internal"

    def image(self, version: str, behaviour="good", change=lambda files: None, plain=False) -> bytes:
        """Make the image of a firmware; `change` may do something to its files, `plain` leaves each module a file."""
        return image(version, behaviour, repr(self.options), change, plain)

    def package(self, data: bytes, version: str, **options) -> bytes:
        """Make the package of an image."""
        target = Target("paper", ["p"], layout_hash(LAYOUT), version, 1, kind=options.pop("kind", "lfs2"))
        return build_package(data, target, self.key, **{"encoding": "none", **options})

    def update(self, version: str, behaviour="good", **options) -> bytes:
        """Make an update of firmware that behaves like that."""
        return self.package(self.image(version, behaviour), version, **options)

    def put(self, bank: int, version: str, behaviour="good", data: bytes | None = None):
        """Put firmware into a bank, as a factory does."""
        self.install(bank, version, data or self.image(version, behaviour))

    def preload(self, bank: int, data: bytes):
        """Put an image into a bank without its header: what is there already need not be written, only be verified."""
        with self.flash.open("r+b") as file:
            file.seek(self.start_of(BANK_NAMES[bank][0]))
            file.write(data)

    def confirm(self, bank: int):
        """Let a bank be the confirmed one."""
        record = self.boot()
        record.run(bank)
        record.confirm()

    def _write_stage(self):
        self.stage.mkdir(exist_ok=True)
        for place, data in _first_stage(repr(self.options)).items():
            (self.stage / place).write_bytes(data)


@functools.cache
def _board(options):
    """Return the board file, with options that a test can wait for."""
    text = (ROOT / "board/pico_w_nor.py").read_text() + "\nOPTIONS.update(%s)\n" % options
    return made.board_of("pico_w_nor", text)


@functools.cache
def _first_stage(options):
    return made.first_stage(_board(options))


@functools.cache
def _firmware(options, plain):
    return made.plain(_board(options)) if plain else made.firmware(_board(options))


@functools.cache
def image(version: str, behaviour: str, options: str, change, plain) -> bytes:
    """Make the littlefs image of a firmware."""
    files = dict(_firmware(options, plain))
    files["version.py"] = b'VERSION = "%s"\n' % version.encode()
    files.update(compile_sources({"app.py": BEHAVIOURS[behaviour]}))
    change(files)
    least = sum(-(-len(data) // lfs2.BLOCK) for data in files.values())
    return lfs2.build(files, (least + len(files) + 40) * lfs2.BLOCK)
