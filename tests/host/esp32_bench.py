"""An ESP32 in virtual time: its bootloader and its esp32.Partition over a flash that loses power, and the whole agent on it.

    bench = EspBench(order("dau"))
    bench.run()
    bench.results == [("a", 200)]

At each boot the image that starts is compared with those that were ever whole; while a bank runs, or is the one that a normal
boot starts, the flash refuses to have it written.
"""

import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

from agent import reset
from agent.bank_header import HeaderWriter
from agent.package import HEAD_SIZE
from flash_tools.packages.package_build import Target, build_package
from hal.region import Region, carve, layout_hash
from ports.sim import firmware
from ports.sim.device_agent import AgentDevice
from ports.sim.firmware import Firmware
from ports.sim.nor import Geometry, Nor
from ports.sim.power import Violation
from ports.sim.watchdog import Watchdog
from tests.host.scripted import Bench
from tests.portable.esp32_model import APP, DATA, VALID, Esp, make_image, payload_at
from tests.soak import goods

K = 1024
ROOT = Path(__file__).resolve().parents[2]
SLOT, STATE_AT = 64 * K, 0x30000
TABLE = (
    ("nvs", DATA, 2, 0x9000, 0x4000),
    ("otadata", DATA, 0, 0xD000, 0x2000),
    ("ota_0", APP, 0x10, 0x10000, SLOT),
    ("ota_1", APP, 0x11, 0x20000, SLOT),
    ("fumo", DATA, 6, STATE_AT, 128 * K),
)
CHIP = Geometry("esp32", 512 * K, ((4096, 45000, 400000),), (700, 3000), (30, 3))


def load_board():
    """Return the board file with slots that are as small as a test wants them, as a copy of it by its path would be."""
    spec = importlib.util.spec_from_file_location("board_under_test", ROOT / "board" / "esp32_ota.py")
    board = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(board)
    board.SLOT_SIZE = SLOT
    return board


BOARD = load_board()
LAYOUT = BOARD.layout_of(BOARD.STATE_SIZE)


@lru_cache(maxsize=16)
def image(version, behaviour=firmware.GOOD):
    """Return an ESP image."""
    size = 20 * K + (900 if version == goods.OLD else 100)
    return make_image(firmware.make_image(version, behaviour, size, ord(version[0])))


@lru_cache(maxsize=32)
def package(version, behaviour=firmware.GOOD, encoding="none", data=None):
    """Return a package for the board."""
    target = Target(goods.PRODUCT, [goods.MODEL], layout_hash(LAYOUT), version, goods.COUNTER)
    made = data or image(version, behaviour)
    return build_package(made, target, goods.TRUSTED, encoding=encoding, old_image=image(goods.OLD), built=1700000000)


class Chip(Nor):
    """The flash; `trace` has the partition of each operation, `kept` says which of them must not be written now."""

    poll_us = 20000

    def __init__(self, clock):
        super().__init__(CHIP, clock, blocking=True)
        self.trace, self.kept = [], None

    def _guard(self, addr, size):
        label = next(row[0] for row in TABLE if row[3] <= addr < row[3] + row[4])
        self.trace.append(label)
        if label in ("ota_0", "ota_1") and self.kept and int(label[-1]) in self.kept():
            raise Violation("%s is written, which runs or is what starts next" % label)
        super()._guard(addr, size)


class EspDevice(AgentDevice):
    """One ESP32; `started` has (slot, whether that is the slot's trial) of each boot."""

    def __init__(self, chip, *parts, rollback=True, **more):
        super().__init__(chip, *parts, watchdog_ms=BOARD.WATCHDOG_MS, **more)
        self.esp = Esp(chip, TABLE, rollback)
        self.started, self.scratch = [], None

    def pin_in(self, line, pull_up):
        """Return the button."""
        return lambda: 0

    def pin_out(self, line):
        """Return the LED."""
        return lambda value: None

    def console(self, bus, tx, rx):
        """Return no line."""

    def _run(self):
        self.where, self.update = "boot", None
        self.watchdog = Watchdog(self.clock, self._watchdog_ms)
        self.cause = self.reset_to_come if self._causes_readable else reset.UNKNOWN
        self.flash.kept = None
        self.power_flash(self.watchdog.feed)
        slot = self.esp.start()
        self._check_bank(slot)
        self.flash.kept = self._kept
        sys.modules["esp32"] = SimpleNamespace(Partition=self.esp.Partition)
        try:
            self.hardware = hardware = BOARD.build(self)
        finally:
            del sys.modules["esp32"]
        bank = hardware.boot.running()
        self.started.append((bank, bank != hardware.boot.confirmed()))
        self.server.powered(self)
        found = Firmware(_Payload(hardware.banks[bank].image))
        self.version = found.version
        self._misbehave(found, bank)
        return self._run_agent(found)

    def _misbehave(self, found, bank):
        tests = self.hardware.self_tests
        super()._misbehave(found, bank)
        if self.hardware.self_tests is not tests:
            self.hardware.self_tests = tests + self.hardware.self_tests

    # -- what must always hold ----------------------------------------------------------------------------------------

    def _check_bank(self, slot):
        if slot < 0:
            raise Violation("the bootloader finds nothing to start")
        held = self.esp.cells(self.esp.slots[slot][3], SLOT)
        if not any(held.startswith(image) for image in self.server.images):
            raise Violation("slot %d was started and is no firmware that was ever whole" % slot)

    def _kept(self):
        """Return the slots that nobody may write: what runs, what a reset would start, all where a trial is open."""
        active = self.esp.active()
        slot, state = self.esp.states()[active] if active >= 0 else (0, VALID)
        return {self.esp.slots.index(self.esp.running), slot} if state == VALID else {0, 1}


class _Payload:
    """The firmware inside of the image."""

    def __init__(self, region):
        self._region = region

    def read(self, addr, into):
        """Fill `into`."""
        self._region.read(addr + payload_at(), into)


class EspBench(Bench):
    """As the scripted Bench; the old version is in slot 0, as flashed by esptool: otadata is blank."""

    def __init__(self, *scripts, behaviour=firmware.GOOD, encoding="none", data=None, causes=True, **more):
        rollback = more.pop("rollback", True)
        files = {("bench", "/p.fup"): package(goods.NEW, behaviour, encoding, data), **more.pop("files", {})}
        super().__init__(*scripts, files=files, **more)
        self.images = [image(goods.OLD), image(goods.NEW), image(goods.NEW, behaviour)] + [data] * bool(data)
        self.chip = chip = Chip(self.clock)
        chip.load(0x10000, image(goods.OLD))
        chip.load(0x20000, b"\x5a" * 9000)
        _put_header(chip)
        old = self.device
        parts = chip, self.clock, (), old.identity, self.net, old.options, self
        self.device = EspDevice(*parts, rollback=rollback, causes_readable=causes)
        chip.ops, chip.trace = 0, []

    @property
    def ends_with(self):
        """Return the version that boots now and later."""
        versions = set()
        for _ in range(3):
            self.chip.power_on(lambda: None)
            slot = self.device.esp.start()
            versions.add(Firmware(_Payload(Region(self.chip, self.device.esp.slots[slot][3], SLOT))).version)
        return " ".join(sorted(versions))


def _put_header(chip):
    made, size = package(goods.OLD), int.from_bytes(package(goods.OLD)[4:8], "little")
    regions = carve(Region(chip, STATE_AT, BOARD.STATE_SIZE), LAYOUT)
    writer = HeaderWriter(regions["header0"], made[HEAD_SIZE : HEAD_SIZE + size])
    while not writer.step():
        pass
