"""A Linux board of files in a folder: a simulated chip, a board file over it, settings, and firmware that is a real zip image.

The board file is read by the first stage and by the firmware. It stands for what a test cannot have: a restart of the board is an
exit with a code of its own, and why the board started is in a file.
"""

import json
import socket
from functools import cache
from pathlib import Path

from flash_tools.deploy.files import Wish, build
from flash_tools.images import zip_image
from flash_tools.packages.package_build import Target, build_package
from flash_tools.rig.linux_goods import BEHAVIOURS
from flash_tools.signing import keys
from hal.region import layout_hash
from hal.single_chip import layout_of
from ports.sim.flash_file import make_file
from tests.banked import Banked

ROOT = Path(__file__).resolve().parents[2]
SIZE = 2 << 20
LAYOUT = layout_of(SIZE)
OTHER_LAYOUT = (*LAYOUT[:-1], ("bank1", LAYOUT[-1][1], LAYOUT[-1][2] - 4096))
RESTARTS = 111  # exit code of a process that restarts the board
_SIMULATED = ("__init__", "sim/flash_file", "sim/nor", "sim/faults", "sim/power", "sim/real_clock")
_STARTED = {"app.py": b"\ndef start(service):\n    service.say('app', __file__)\n"}
_BOARD = '''"""A board of files."""

import os

from hal.single_chip import assemble
from ports.cpython_linux import system
from ports.sim.flash_file import FileNor
from ports.sim.real_clock import RealClock

FOLDER = %(folder)r
LAYOUT = %(layout)r
WATCHDOG_MS = 4000
SPI = FOLDER + "/flash.img"
UART = %(uart)r


def restart(argument=None, feed=None, log=None, **more):
    os._exit(%(restarts)d)


def cause(*_):
    with open(FOLDER + "/cause") as file:
        return int(file.read()), "as the test has it"


system.reboot, system._hardware_cause = restart, cause


class Counter:
    remembers = True

    def get(self):
        try:
            with open(FOLDER + "/counter") as file:
                return int(file.read() or 0)
        except OSError:
            return 0

    def set(self, value):
        with open(FOLDER + "/counter.part", "w") as file:
            file.write(str(value))
        os.replace(FOLDER + "/counter.part", FOLDER + "/counter")


def build(port):
    flash = FileNor(SPI, RealClock())
    flash.power_on(port.watchdog.feed)
    hardware = assemble(port, flash, LAYOUT, Counter())
    if UART:
        hardware.uart = port.console(UART)
    hardware.button = lambda: os.path.exists(FOLDER + "/button")
    return hardware
'''


class Board(Banked):
    """`folder` gets all of it; `version` is the one that it runs at first."""

    layout = LAYOUT

    def __init__(self, folder: Path, bundle: dict, uart: str | None = None, version: str = "1.0", **settings):
        self.folder, self.key, self.device_id = folder, keys.new_key(), bundle.get("device_id", "paper:1")
        self.flash, self.file, self.etc = folder / "flash.img", folder / "paper.py", folder / "etc"
        self.etc.mkdir(parents=True)
        self.write_board(uart)
        self.configure(**settings)
        self._make_chip(bundle, version)
        self.set_cause(1)

    def write_board(self, uart=None, layout=LAYOUT, more=""):
        """Write the board file."""
        words = {"folder": str(self.folder), "layout": layout, "uart": uart, "restarts": RESTARTS}
        self.file.write_text(_BOARD % words + more)

    def configure(self, linux=None, **agent):
        """Write config.toml."""
        own = {"board": str(self.file), "watchdog": str(self.folder / "no-watchdog"), "user": "yes", **(linux or {})}
        agent = {"notify_port": 0, "poll_interval_ms": 86400000, "needs_server": False, **agent}
        agent = {"trial_min_ms": 0, "trial_max_ms": 20000, **agent}
        lines = ["[linux]", *toml(own), "[agent]", *toml(agent)]
        (self.etc / "config.toml").write_text("\n".join(lines) + "\n")

    def set_cause(self, cause: int):
        """Let the board have started for a reason of agent.reset."""
        (self.folder / "cause").write_text(str(cause))

    def package(self, data: bytes, version: str, encoding="none", layout=LAYOUT, **options) -> bytes:
        """Make the package of an image."""
        return build_package(
            data,
            Target("paper", ["p"], layout_hash(layout), version, 1, kind="zip"),
            self.key,
            encoding=encoding,
            **options,
        )

    def update(self, version: str, behaviour="good") -> bytes:
        """Make an update of firmware that behaves like that."""
        return self.package(image(version, behaviour), version)

    def put(self, bank: int, version: str, behaviour="good", data: bytes | None = None):
        """Put firmware into a bank, as a factory does."""
        self.install(bank, version, data or image(version, behaviour))

    def _make_chip(self, bundle, version):
        make_file(str(self.flash), SIZE)
        self.put(0, version)
        self.provision(bundle, SIZE)


def free_port() -> int:
    """Return a UDP port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def toml(values):
    """Return the lines of a section."""
    return ["%s = %s" % (name, json.dumps(value)) for name, value in values.items()]


@cache
def image(version: str, behaviour: str = "good") -> bytes:
    """Make the zip of a firmware, as bytecode only: it starts as quickly, and is written in half the time."""
    application = BEHAVIOURS[behaviour].encode()
    if behaviour == "good":
        application = _STARTED["app.py"]
    return zip_image.build(
        {**_modules(), "version.pyc": _code("VERSION = %r\n" % version), "app.pyc": _code(application)}, deflated=True
    )


def _code(source):
    from flash_tools.images.zip_image import bytecode

    return bytecode({"x.py": source if isinstance(source, bytes) else source.encode()})["x.pyc"]


@cache
def _modules():
    files = dict(build(Wish("cpython_linux", "rig_imx6")))
    for name in _SIMULATED:
        path = ROOT / "ports" / (name + ".py")
        files["ports/%s.py" % name] = path.read_bytes() if path.exists() else b""
    from flash_tools.images.zip_image import bytecode

    return bytecode(files)
