"""A Raspberry Pi in virtual time: its boot ROM, its kernel as far as it matters, its service manager, and the whole agent.

    bench = PiBench(tmp_path, order("dau"))
    bench.run()
    bench.results == [("a", 200)]

The ROM has a reader of autoboot.txt of its own. At each boot the bank that starts is compared with the images that were ever whole.
"""

import importlib.util
import shutil
import struct
from functools import lru_cache
from pathlib import Path

from agent import reset
from agent.bank_header import HeaderWriter
from agent.errors import AgentError
from agent.package import HEAD_SIZE
from flash_tools.packages.package_build import Target, build_package
from hal.region import carve, layout_hash
from ports.cpython_linux import stretch_writer
from ports.cpython_linux.boot_files import BootFiles
from ports.sim import firmware
from ports.sim.device_agent import AgentDevice
from ports.sim.firmware import Firmware
from ports.sim.power import Reset, Violation
from ports.sim.watchdog import Scratch, Watchdog
from tests.host.scripted import Bench
from tests.host.tryboot_card import FOLDER, Fat, Partition, Power
from tests.soak import goods

K = 1024
ROOT = Path(__file__).resolve().parents[2]
CANONICAL = b"[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n"
PI4, PI5, PI3 = b"raspberrypi,4-model-b\0brcm,bcm2711\0", b"raspberrypi,5-model-b\0brcm,bcm2712\0", b"brcm,bcm2837\0"
BUILT = 1760000000  # of the bootloader: it looks for another partition where autoboot.txt is lost
_PROCESSES = 20


def load_board():
    """Return the board file with banks that are as small as a test wants them, as a copy of it by its path would be."""
    spec = importlib.util.spec_from_file_location("board_under_test", ROOT / "board" / "rpi_tryboot.py")
    board = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(board)
    board.BOOT_SIZE, board.ROOT_SIZE, board.STATE_SIZE = 8 * K, 24 * K, 20 * 4 * K
    return board


BOARD = load_board()
LAYOUT = BOARD.layout_of(BOARD.STATE_SIZE)
IMAGES = {
    version: firmware.make_image(version, firmware.GOOD, size, ord(version[0]))
    for version, size in ((goods.OLD, 20 * K + 900), (goods.NEW, 22 * K + 100))
}


@lru_cache(maxsize=32)
def package(version, behaviour=firmware.GOOD, encoding="none"):
    """Return a package for the board."""
    image = IMAGES[version]
    if behaviour != firmware.GOOD:
        image = firmware.make_image(version, behaviour, len(image), ord(version[0]))
    target = Target(goods.PRODUCT, [goods.MODEL], layout_hash(LAYOUT), version, goods.COUNTER)
    return build_package(image, target, goods.TRUSTED, encoding=encoding, old_image=IMAGES[goods.OLD], built=1700000000)


class Dead(Exception):
    """The ROM finds nothing that it could start."""


class Rom:
    """Reads what is on the card; `walks` as bootloaders do that look further where autoboot.txt leads nowhere."""

    def __init__(self, card, walks=True):
        self.card, self.walks, self.flag = card, walks, False

    def start(self):
        """Return (partition, whether it is a trial); the flag is gone from here on."""
        flag, self.flag = self.flag, False
        self.card.power.tick("rom") and self.card.power.off()
        found = self.read(self.card.fat.on_disk("autoboot.txt"), flag)
        trial = flag and found.get("tryboot_a_b") == 1
        wanted = found.get("boot_partition", 1)
        if self.bootable(wanted):
            return wanted, trial
        if trial:
            return self.start()
        for number in range(1, 8) if self.walks else ():
            if self.bootable(number):
                return number, False
        raise Dead("partition %d cannot be started" % wanted)

    def normal(self):
        """Return the partition of a normal boot, as the card is now."""
        return self.read(self.card.fat.on_disk("autoboot.txt"), False).get("boot_partition", 1)

    def bootable(self, number):
        """Tell whether a kernel is there."""
        part = self.card.parts.get("mmcblk0p%d" % number)
        return part is not None and bytes(part.disk[:6]) == b"SIMFW "

    @staticmethod
    def read(data, flag):
        """Return the settings that hold."""
        found, section = {}, "all"
        if data is None or len(data) > 512:
            return found
        for line in data.decode("latin-1").split("\n"):
            name, equals, value = line.strip().partition("=")
            if name.startswith("["):
                section = name.strip("[]")
            elif equals and value.isdigit() and (section == "all" or section == "tryboot" and flag):
                found[name] = int(value)
        return found


class Card:
    """The card as the factory makes it: the old version in the first bank, confirmed; the other bank holds noise."""

    def __init__(self):
        self.power = Power()
        self.fat = Fat(self.power)
        self.fat.load("autoboot.txt", CANONICAL)
        self.parts = {}
        sizes = {2: BOARD.BOOT_SIZE, 3: BOARD.BOOT_SIZE, 5: BOARD.ROOT_SIZE, 6: BOARD.ROOT_SIZE, 7: BOARD.STATE_SIZE}
        for number, size in sizes.items():
            name = "mmcblk0p%d" % number
            self.parts[name] = Partition(self.power, name, size)
        image, state = IMAGES[goods.OLD], self.parts["mmcblk0p7"]
        self.parts["mmcblk0p2"].load(0, image[: BOARD.BOOT_SIZE])
        self.parts["mmcblk0p5"].load(0, image[BOARD.BOOT_SIZE :])
        state.load(0, b"\xff" * state.size)
        state.page, state.at_once = 256, True
        made = package(goods.OLD)
        size = int.from_bytes(made[4:8], "little")
        writer = HeaderWriter(carve(state, LAYOUT)["header0"], made[HEAD_SIZE : HEAD_SIZE + size])
        while not writer.step():
            pass
        self.power.ops, self.power.trace = 0, []

    def bank(self, bank):
        """Return what is in a bank, on the card."""
        boot, root = BOARD.BANKS[bank]
        return bytes(self.parts["mmcblk0p%d" % boot].disk + self.parts["mmcblk0p%d" % root].disk)


class Pi(AgentDevice):
    """`roots` maps the boot partition to the root file system that its cmdline.txt names."""

    def __init__(self, folder, card, clock, identity, net, options, watcher, **more):
        super().__init__(None, clock, (), identity, net, options, watcher, watchdog_ms=BOARD.WATCHDOG_MS, **more)
        self.folder, self.card, self.rom = folder, card, Rom(card)
        self.kind, self.built, self.mode, self.hears_argument = PI4, BUILT, 1, True
        self.roots = dict(BOARD.BANKS)
        self.mounts, self.started, self.arguments = "", [], []
        self.block_writer = stretch_writer.StretchWriter
        self.checks = 0
        for part in card.parts.values():
            part.kept = self._is_kept

    def boot_files(self, folder):
        """Return what the boot control sees of the system."""
        assert folder == FOLDER
        folder = self.folder
        return BootFiles(FOLDER, run=str(folder / "run"), proc=str(folder / "proc"), system=self.card.fat)

    def block(self, path, size=None, **more):
        """Return a partition; nothing of the state is written while a bank that it may speak of is not on the card."""
        part = self.card.parts[path[5:]]
        assert size == part.size and more in ({}, {"page": 256, "sync_bytes": 0})
        if more:
            part.kept = self._check_order
        return part

    def reboot(self):
        """Reset, and tell the ROM what the boot control says."""
        argument = self.hardware.boot.reboot_argument()
        self.arguments.append(argument)
        self.card.power.tick("reboot") and self.card.power.off()
        self.rom.flag = argument == "0 tryboot" and self.hears_argument
        raise Reset(reset.COMMANDED)

    def _guard(self, action):
        end = super()._guard(action)
        if end == "cut":
            self.rom.flag = False
        return end

    def _run(self):
        self.where, self.update = "boot", None
        self.watchdog = Watchdog(self.clock, self._watchdog_ms)
        self.cause = self.reset_to_come if self._causes_readable else reset.UNKNOWN
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        partition, trial = self.rom.start()
        self.started.append((partition, trial))
        self._write_tree(partition, trial)
        self._check_bank(partition)
        self.server.powered(self)
        for _ in range(_PROCESSES):
            end = self._run_process()
            if end:
                return end
            self.cause = reset.WATCHDOG  # the agent ended without being told to
        raise Dead("the agent ends again and again")

    def _run_process(self):
        """Run the agent's process once; None where it ends with an error and the service manager starts it again."""
        self.hardware = hardware = None
        try:
            self.hardware = hardware = BOARD.build(self)
            hardware.crash_counter.set(0)
            bank = hardware.boot.running()
            found = Firmware(hardware.banks[bank].image)
            self.version = found.version
            self._misbehave(found, bank)
            return self._run_agent(found)
        except AgentError as e:
            self.log("error: %s", e)
            boot = hardware.boot if hardware else None
            if boot and boot.native and boot.running() != boot.confirmed():
                self.reboot()
            return None

    def _misbehave(self, found, bank):
        tests = self.hardware.self_tests
        super()._misbehave(found, bank)
        if self.hardware.self_tests is not tests:
            self.hardware.self_tests = tests + self.hardware.self_tests

    def _write_tree(self, partition, trial):
        tree = self.folder / "proc" / "device-tree"
        loader = tree / "chosen" / "bootloader"
        loader.mkdir(parents=True, exist_ok=True)
        (tree / "compatible").write_bytes(self.kind)
        values = {"partition": partition, "tryboot": int(trial), "boot-mode": self.mode, "build-timestamp": self.built}
        for name, value in values.items():
            (loader / name).write_bytes(struct.pack(">I", value) if value is not None else b"")
        (self.folder / "proc" / "cmdline").write_text("root=/dev/mmcblk0p%d ro\n" % self.roots[partition])
        (self.folder / "proc" / "self").mkdir(exist_ok=True)
        (self.folder / "proc" / "self" / "mounts").write_text(self.mounts)

    # -- what must always hold ----------------------------------------------------------------------------------------

    def _check_bank(self, partition):
        bank = [boot for boot, _ in BOARD.BANKS].index(partition)
        held = self.card.bank(bank)
        self.checks += 1
        images = list(IMAGES.values()) + self.server.more_images
        if not any(held.startswith(image) for image in images):
            raise Violation("partition %d was started and is no firmware that was ever whole" % partition)

    def _is_kept(self, name):
        """A partition of the bank that runs, or of the one that a normal boot would start."""
        kept = {self.started[-1][0], self.rom.normal()}
        return any(name in ("mmcblk0p%d" % boot, "mmcblk0p%d" % root) for boot, root in BOARD.BANKS if boot in kept)

    def _check_order(self, name):
        late = [part.name for part in self.card.parts.values() if part.pending and part.name != name]
        if late:
            raise Violation("the state is written before %s is on the card" % ", ".join(late))
        return False


class PiBench(Bench):
    """As the scripted Bench; `card` may come from an earlier one."""

    def __init__(self, folder, *scripts, behaviour=firmware.GOOD, card=None, encoding="none", causes=True, **more):
        files = {("bench", "/p.fup"): package(goods.NEW, behaviour, encoding), **more.pop("files", {})}
        super().__init__(*scripts, files=files, **more)
        self.card = card or Card()
        self.more_images = []
        if behaviour != firmware.GOOD:
            self.more_images = [firmware.make_image(goods.NEW, behaviour, len(IMAGES[goods.NEW]), ord(goods.NEW[0]))]
        old = self.device
        parts = folder, self.card, self.clock, old.identity, self.net, old.options, self
        self.device = Pi(*parts, causes_readable=causes)
        self.device.scratch = Scratch()

    def ends_with(self):
        """Return the version that a boot now would start."""
        partition, _ = self.device.rom.start()
        return Firmware(self.card.parts["mmcblk0p%d" % partition]).version
