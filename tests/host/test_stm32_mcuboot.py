"""Whole updates of a target beside a Nucleo: the real agent on what `build` of the board file makes, in virtual time."""

import pytest

from agent import reset
from agent.bank_header import HeaderWriter
from agent.package import HEAD_SIZE
from board import stm32_mcuboot as board
from hal.region import Region, layout_hash
from ports.sim.device import CUT
from ports.sim.device_agent import AgentDevice
from ports.sim.nor import Geometry, Nor
from ports.sim.power import Reset
from ports.sim.watchdog import Watchdog
from tests.host.cotarget_rig import image, package
from tests.host.scripted import Bench, order
from tests.portable.chips import part
from tests.portable.mcuboot_target import Bench as TargetsChip
from tests.portable.mcuboot_target import Target, hash_of
from tests.soak import goods

MIB = 1 << 20
UNITS = ((4096, 64000, 400000), (32768, 120000, 1600000), (65536, 160000, 2000000))
BOTH = Geometry("both", 32 * MIB, UNITS, (704, 4224), (32, 3))
STATE_AT = 16 * MIB  # the target's chip below, the state's above it: one counter of operations for both
NEW = package("2", 1, key=goods.TRUSTED, model=goods.MODEL)
OLD = package("1", 1, key=goods.TRUSTED, model=goods.MODEL)


class Link:
    """The SPI commands of a W25Q over a simulated flash, and of a real part's tables."""

    max_query = 4096

    def __init__(self, flash, name):
        self.flash, self.part = flash, part(name)

    def command(self, head, data=None):
        """Write."""
        at = int.from_bytes(head[1:4], "big")
        if head[0] == 0x02:
            self.flash.program(at, data)
        elif head[0] in self.part.erases and len(head) == 4:
            self.flash.erase(at, self.part.erases[head[0]][0])

    def query(self, head, into):
        """Read."""
        size = len(into)
        if head[0] == 0x03:
            self.flash.read(int.from_bytes(head[1:4], "big"), into)
        elif head[0] == 0x05:
            into[:] = bytes((int(self.flash.busy()) | 2,)) * size
        else:
            found = self.part.jedec_id if head[0] == 0x9F else self.part.sfdp[int.from_bytes(head[1:4], "big") :]
            into[:] = (found + b"\xff" * size)[:size]


class Nucleo(AgentDevice):
    """The board: a restart resets it, and its lines float then."""

    scratch = None

    def spi(self, bus, hz, cs, sck=None, mosi=None, miso=None):
        """Return the target's chip, which nobody may touch while the target runs, or the state's."""
        assert (bus, cs) in ((3, "D24"), (-1, "D8")) and (bus == 3) == (sck is None)
        return Link(self.slot, "W25Q128") if bus == 3 else Link(Region(self.flash, STATE_AT, 2 * MIB), "W25Q16JV")

    def uart(self, bus, baud):
        """Return the target's line."""
        assert (bus, baud) == (6, 115200)
        return self.target

    def pin_out(self, line, value=0, active_low=False):
        """Return the reset line, or the LED."""
        assert active_low == (line == "D9")
        return self.target.pin if active_low else lambda level=None: 0

    def pin_in(self, line, pull_up):
        """Return the button."""
        assert (line, pull_up) == ("SW", None)
        return lambda: 0

    def reboot(self):
        """Do what the main program does of a board with something beside it."""
        self.hardware.restart()
        raise Reset(reset.COMMANDED)

    def _run(self):
        self.where, self.update, self.version = "agent", None, "nucleo"
        self.cause = self.reset_to_come
        self.watchdog = Watchdog(self.clock, board.WATCHDOG_MS * 66 // 100)
        self.target.pin(0)
        self.flash.power_on(self.watchdog.feed, True)
        self.hardware = board.build(self)
        self.server.powered(self)
        return self._run_agent(None)


class NucleoBench(Bench):
    """The scripted bench, its device a Nucleo with a target."""

    def __init__(self, *scripts, behaviour="good", **options):
        super().__init__(*scripts, files={("bench", "/p.fup"): NEW}, **options)
        self.flash = flash = Nor(BOTH, self.clock)
        flash.poll_us = 20000
        header = {name: at for name, at, _ in board.LAYOUT}["header0"]
        size = int.from_bytes(OLD[4:8], "little")
        writer = HeaderWriter(Region(flash, STATE_AT + header, 4096), OLD[HEAD_SIZE : HEAD_SIZE + size])
        while not writer.step():
            pass
        behaviours = {hash_of(image("2")): behaviour, hash_of(image("1")): "good"}
        self.target = Target(self.clock, flash, board.SLOT_START, board.SLOT_SIZE, image("1"), behaviours)
        old = self.device
        self.device = Nucleo(flash, self.clock, None, old.identity, self.net, old.options, self)
        self.device.target, self.device.slot = self.target, TargetsChip(flash, 0, 16 * MIB)
        self.device.slot.target = self.target
        flash.ops = 0
        self.clock.sleep_ms(5000)

    def run(self, seconds=3000, boots=20):
        """Run until nothing is left to do; the power comes back after a cut."""
        self._ends_at, ends = self.clock.ms() + seconds * 1000, []
        while "idle" not in ends and len(ends) < boots:
            ends.append(self.device.boot())
            if ends[-1] == CUT:
                self.flash.faults.cut_at = 0
        return ends


@pytest.mark.parametrize(
    ("behaviour", "code", "version"), [("good", 200, "2"), ("silent", 410, "1"), ("crash", 410, "1")]
)
def test_an_update_over_the_air(behaviour, code, version):
    assert layout_hash(board.LAYOUT) == layout_hash(board.layout_of(2 * MIB))
    bench = NucleoBench(order("dau"), behaviour=behaviour)
    bench.run()
    assert bench.results == [("a", code)], (bench.results, bench.said)
    assert bench.agent.management.firmware_version() == version
    assert bench.target.primary == image(version) and bench.target.image_ok and not bench.target.held
    assert bench.device.longest_gap_ms < board.WATCHDOG_MS * 66 // 100


def test_power_cuts_during_an_update():
    calm = NucleoBench(order("dau"))
    calm.run()
    told = 0
    for number in range(1, calm.flash.ops, calm.flash.ops // 20):
        bench = NucleoBench(order("dau"))
        bench.flash.faults.plan(number, ("none", "half", "prefix", "done", "weak")[number % 5], number)
        ends = bench.run()
        if not bench.results:  # the order was not taken before the cut, and the script has it once only
            assert bench.target.swaps == 0
            continue
        told += 1
        assert CUT in ends and set(bench.results) == {("a", 200)}, (number, bench.results, ends, bench.said)
        assert bench.target.primary == image("2") and bench.target.image_ok
    assert told > 10
