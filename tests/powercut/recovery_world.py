"""A simulated device in virtual time whose banks are ruined, and an owner who brings packages over its serial line."""

from types import SimpleNamespace

from agent import reset
from agent.verify import check_bank
from board.sim_nor import make_layout
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing.keys import key_id, new_key, public_bytes
from hal.boot_record import BootRecord
from hal.region import carve, layout_hash
from ports.sim import firmware
from ports.sim.clock import Clock
from ports.sim.device import IDLE, Device, install_firmware
from ports.sim.nor import Geometry, Nor
from ports.sim.power import Violation
from ports.sim.server import Server
from tests.portable.smp_client import Client
from tests.powercut.worlds import verify_signature

K = 1024
TINY = Geometry("tiny", 256 * K, ((4 * K, 64000, 896000),), (704, 4224), (32, 3))
LAYOUT = make_layout(TINY.size, 16 * K)
_PATIENCE_MS = 5000
KEYS = new_key(), new_key(), new_key()  # trusted, strange, trusted and then revoked


def identity():
    """Return what the device is and trusts."""
    anchors = tuple((key_id(public), public) for public in (public_bytes(KEYS[0]), public_bytes(KEYS[2])))
    return SimpleNamespace(product="bench", model="sim", anchors=anchors, verify=verify_signature)


def image(version, behaviour=firmware.GOOD, size=6 * K):
    """Return a firmware."""
    return firmware.make_image(version, behaviour, size, sum(version.encode()))


def package(version, counter=7, behaviour=firmware.GOOD, size=6 * K, key=0, product="bench", old=None, **more):
    """Return the package of a firmware."""
    target = Target(product, ["sim"], layout_hash(LAYOUT), version, counter)
    encoding = "delta" if old else "none"
    data = image(version, behaviour, size)
    return build_package(data, target, KEYS[key], encoding=encoding, old_image=old, built=1700000000, **more)


class Owner(Server):
    """Orders nothing, and keeps what the device says."""

    def __init__(self):
        super().__init__({}, ())
        self.errors = []

    def log(self, text):
        """The device said something."""
        self.errors.append(text)


class World:
    """`banks`: (version, counter, ruined) or None for each; bank `confirmed` is."""

    def __init__(self, banks=((("1", 5), True), None), confirmed=0, **options):
        self.flash = Nor(TINY, Clock())
        self.flash.poll_us = 100000
        for number, bank in enumerate(banks):
            if bank:
                (version, counter, *rest), ruined = bank
                more = dict(*rest)
                cells = image(version, more.get("behaviour", firmware.GOOD))
                install_firmware(self.flash, LAYOUT, number, package(version, counter, **more), cells)
                if ruined:
                    self.ruin(number)
        self.regions = carve(self.flash, LAYOUT)
        BootRecord(self.regions["boot"], confirmed).confirm()
        self.options = options
        self.ruins = self.cells("bank0", "header0", "bank1", "header1")
        self.device = None
        self.new_device()

    def ruin(self, number):
        """Spoil the beginning of a bank."""
        start = carve(self.flash, LAYOUT)["bank%d" % number].start
        self.flash.pages[start // 256] = b"\0" * 256

    def ruin_header(self, number):
        """Spoil a bank's header."""
        self.flash.pages[carve(self.flash, LAYOUT)["header%d" % number].start // 256] = b"\0" * 256

    def new_device(self, cause=reset.WATCHDOG):
        """Make the device anew: a power cut, or the first start."""
        self.owner = Owner()
        policy = {"server_reached": None, "min_ms": 2000, "max_ms": 6000}
        self.device = device = _Watched(
            self.flash, self.flash.clock, LAYOUT, identity(), self.owner, 8388, policy, **self.options
        )
        device.reset_to_come = cause
        device.world = self
        return device

    def boot(self, *plan):
        """Run one boot with an owner that does this; return (how it ended, the client)."""
        self.device.uart = client = Client(plan)
        return self.device.boot(), client

    def run(self, *plan, boots=20):
        """Boot until firmware runs and has nothing left to do; return the client."""
        self.device.uart = client = Client(plan)
        for _ in range(boots):
            if self.device.boot() == IDLE:
                return client
        raise Violation("no end after %d boots" % boots)

    @property
    def boot_record(self):
        """Return the boot record as the flash has it."""
        return BootRecord(self.regions["boot"])

    def whole(self, bank):
        """Return the version that is whole in a bank, None where there is none."""
        manifest = check_bank(self.device.hardware.banks[bank], self.device.identity, lambda: None)
        return manifest.version if manifest else None

    def cells(self, *names):
        """Return what the regions hold."""
        held = []
        for name in names:
            region = self.regions[name]
            cells = bytearray(region.size)
            self.flash.copy(region.start, cells)
            held.append(bytes(cells))
        return held


class _Watched(Device):
    """Nothing may run that is not whole, but a bank that nobody has touched since it was ruined: a normal boot only trusts."""

    world = None

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.started = []  # (bank, on trial, whole)
        self.recoveries = 0

    def _misbehave(self, started, bank):
        whole = check_bank(self.hardware.banks[bank], self.identity, self.watchdog.feed) is not None
        self.started.append((bank, bank != self.hardware.boot.confirmed(), whole))
        untouched = self.world.cells("bank%d" % bank, "header%d" % bank) == self.world.ruins[2 * bank : 2 * bank + 2]
        if not whole and not untouched:
            raise Violation("bank %d was started and is not whole" % bank)
        if self.hardware.boot.void and not self.hardware.boot.tried(bank, self.hardware.boot.attempt):
            raise Violation("bank %d runs, and neither is it confirmed nor on trial" % bank)
        super()._misbehave(started, bank)

    def _recover(self, duration_ms):
        self.recoveries += 1
        return super()._recover(_PATIENCE_MS)
