"""A Pi with a target beside it, in virtual time: the real Update over the board file's wiring; whatever can lose power does."""

from types import SimpleNamespace

from agent import reset
from agent.bank_header import HeaderWriter
from agent.errors import AgentError
from agent.job import DOWNLOAD_AND_UPDATE
from agent.journal import Journal
from agent.package import HEAD_SIZE
from agent.record import Record
from agent.update import Update
from board import rpi_mcuboot_target as board
from flash_tools.packages.package_build import Target as PackageTarget
from flash_tools.packages.package_build import build_package
from flash_tools.signing.keys import key_id, new_key, public_bytes
from hal.cotarget_bus import TargetBus
from hal.cotarget_parts import LineProbe
from hal.region import Region, layout_hash
from hal.smp_client import SmpClient
from ports.sim.clock import Clock
from ports.sim.nor import Geometry, Nor
from ports.sim.power import PowerCut, Reset, Violation
from ports.sim.server import Server
from ports.sim.watchdog import Watchdog
from tests.portable.mcuboot_target import Bench, Target, hash_of, make_image
from tests.powercut.worlds import verify_signature

MIB = 1 << 20
CHIP = Geometry("pi", 32 * MIB, ((4096, 64000, 400000), (65536, 160000, 2000000)), (704, 4224), (32, 3))
KEY = new_key()
_PUBLIC = public_bytes(KEY)
LAYOUT = layout_hash(board.LAYOUT)
PI, TARGET, BOTH, AGENT = "pi", "target", "both", "agent"
POLICY = {"server_reached": None, "min_ms": 2000, "max_ms": 12000}


def image(version, size=6000):
    """Return a target's firmware."""
    return make_image((("firmware %s " % version).encode() * 1000)[:size])


def package(version, counter=1, data=None, key=KEY, model="pi", **more):
    """Return the signed package of a target's firmware."""
    target = PackageTarget("bench", [model], LAYOUT, version, counter, "mcuboot")
    options = {"encoding": "none", "built": 1700000000, **more}
    return build_package(image(version) if data is None else data, target, key, **options)


def put_header(flash, text):
    """Put the header of the first image into the state, as provisioning does."""
    size = int.from_bytes(text[4:8], "little")
    start = {name: at for name, at, _ in board.LAYOUT}["header0"]
    writer = HeaderWriter(Region(flash, 16 * MIB + start, 4096), text[HEAD_SIZE : HEAD_SIZE + size])
    while not writer.step():
        pass


def wire(port, flash, target, pin, feed, line=False, **policy):
    """Return the Hardware: the target's flash in the lower half of `flash`, the state in its upper half."""
    chip = Bench(flash, 0, 16 * MIB)
    chip.target = target
    pin(0)
    bus = TargetBus(pin, port.clock, lambda: chip, board.CHIP_SIZE, board.CHIP_PAGE, board.CHIP_UNITS)
    probe = LineProbe(target.confirmed_line) if line else SmpClient(target, port.clock, feed)
    times = {"start_ms": 3000, "swap_ms": 8000, **policy}
    hardware = board.assemble(port, Region(flash, 16 * MIB, board.STATE_SIZE), bus, probe, **times)
    hardware.boot.look()
    return hardware


OLD, NEW, THIRD = package("1"), package("2"), package("3")


class Rig:
    """One world: a chip that is the Pi's state and the target's flash, the target, a server with its orders."""

    def __init__(self, behaviour="good", confirms=False, line=False, orders=1, packages=None, old="good", shared=True):
        self.clock = Clock()
        self.flash = Nor(CHIP, self.clock)
        self.flash.poll_us = 20000
        behaviours = {hash_of(image("2")): behaviour, hash_of(image("1")): old}
        self.target = Target(self.clock, self.flash, board.SLOT_START, board.SLOT_SIZE, image("1"), behaviours)
        self.confirms, self.line, self.shared = confirms, line, shared
        made = [(DOWNLOAD_AND_UPDATE, "u%d" % n, "c%d" % n, 0) for n in range(orders)]
        self.server = Server({order[1]: (packages or [NEW, THIRD])[n] for n, order in enumerate(made)}, made)
        self.server.log = lambda text: None
        self.identity = SimpleNamespace(
            product="bench", model="pi", anchors=((key_id(_PUBLIC), _PUBLIC),), verify=verify_signature
        )
        self.cause, self.version, self.boots, self.errors = reset.POWER, "agent 1", 0, []
        self.pin_events, self.cut_pin_at, self.kind = 0, 0, PI
        self.target_cuts = []  # virtual milliseconds at which the target's power blinks
        self.expected = packages is None  # order n brings version n + 2
        self.cuts_ms = []  # the same for the Pi, or whatever `kind` says
        put_header(self.flash, OLD)
        self.clock.sleep_ms(5000)

    # -- the port of one start ----------------------------------------------------------------------------------------

    def random(self, below):
        """Return a number."""
        return self.boots % below

    def reboot(self):
        """Do what a Linux port does for such a board: reset the target, end the agent's process."""
        self.hardware.restart()
        raise Reset(reset.COMMANDED)

    def _pin(self, value):
        self.target.pin(value)
        self.pin_events += 1
        if self.pin_events == self.cut_pin_at:
            raise PowerCut

    def _build(self):
        self.watchdog = Watchdog(self.clock, 15000)
        policy = {"confirms": self.confirms, "shared": self.shared}
        self.hardware = wire(self, self.flash, self.target, self._pin, self._feed, self.line, **policy)

    def _feed(self):
        self.watchdog.feed()
        self._blink()

    def _blink(self):
        while self.target_cuts and self.clock.ms() >= self.target_cuts[0]:
            self.target_cuts.pop(0)
            self.target.power(False)
            self.target.power(True)
        if self.cuts_ms and self.clock.ms() >= self.cuts_ms[0]:
            self.cuts_ms.pop(0)
            raise PowerCut

    # -- starts -------------------------------------------------------------------------------------------------------

    def start(self):
        """Run from one start of the agent to its end; return how it ended: "idle", "reset", "cut" or "error"."""
        self.boots += 1
        if self.boots > 40:
            raise Violation("no end: %s" % self.errors[-3:])
        try:
            self._run()
            return "idle"
        except PowerCut:
            self._power_cut()
            return "cut"
        except Reset as e:
            self.cause = e.cause
            if self.kind == AGENT and e.cause == reset.WATCHDOG:
                self.cause = reset.UNKNOWN
            return "reset"
        except AgentError as e:
            self.errors.append(str(e))
            self.cause = reset.UNKNOWN
            return "error"

    def _power_cut(self):
        self.cut_pin_at = self.flash.faults.cut_at = 0
        self.cause = reset.POWER
        if self.kind == BOTH:
            self.target.power(False)
        self.target.pin(0)  # the Pi's lines float
        if self.kind == BOTH:
            self.target.power(True)
        self.clock.sleep_ms(700)

    def _run(self):
        self.flash.power_on(self._feed)
        self._build()
        record = Record(Journal(self.hardware.journal))
        self.server.device = SimpleNamespace(version=None)
        update = Update(self.hardware, record, self.identity, self, self.server, self.server.deliver, dict(POLICY))
        self.update = update
        update.resume()
        while True:
            running = update.running_manifest()
            self.server.device.version = running.version if running else None
            if self.server.satisfied(update):
                return
            wait_ms = update.step()
            self.watchdog.feed()
            while wait_ms > 0:
                nap_ms = min(wait_ms, 500)
                self.clock.sleep_ms(nap_ms)
                wait_ms -= nap_ms
                self._feed()

    def run(self):
        """Start again and again until nothing is left to do; return the server's reports."""
        while self.start() != "idle":
            pass
        self.judge()
        return self.server.reports

    # -- what must be true --------------------------------------------------------------------------------------------

    def judge(self):
        """One result for each order, true of the target; the image that runs is confirmed, and nothing is asked for."""
        self.cuts_ms = []
        self.let_settle()
        told = {}
        for correlator, code, _ in self.server.reports:
            told.setdefault(correlator, set()).add(code)
        if [codes for codes in told.values() if len(codes) != 1] or len(told) != self.server.given:
            raise Violation("results %s" % self.server.reports)
        target = self.target
        if not target.image_ok or target.swap or target.request() != "none":
            raise Violation("left open: %s %s %s" % (target.image_ok, target.swap, target.request()))
        runs, manifest = hash_of(target.primary), self.update.running_manifest()
        if manifest and runs != hash_of(image(manifest.version)):
            raise Violation("says it runs %s" % manifest.version)
        (code,) = told["c%d" % (self.server.given - 1)]
        if self.expected and (code == 200) != (runs == hash_of(image("%d" % (self.server.given + 1)))):
            raise Violation("told %d, runs %s" % (code, runs.hex()))

    def let_settle(self):
        """Let the target do what it does when nobody looks."""
        for _ in range(60):
            self.clock.sleep_ms(200)
            self._blink()
            self.hardware.tick()
            self.target.catch_up()
