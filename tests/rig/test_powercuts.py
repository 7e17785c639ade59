"""The power goes at random moments of whole updates, and inside single operations of the chip: good firmware still ends as 200.

Each world is one board with one update: in each phase the power goes at least once. Most cuts kill the emulator at a random
moment; one in each world, another one each time, ends inside of an operation of its chip: a torn page or a half-erased sector.
After every cut the chip is read as it stands: the confirmed bank is whole, and holds the old firmware or the new one.
"""

import random
import time

import pytest

from tests.rig import chip_facts
from tests.rig.tally import KILLED, TORN, phase_of

pytestmark = pytest.mark.lg_feature("emulated")
OLD, NEW = "1.0", "2.0"
WORLDS = 9
LOOKED_AFTER = 2  # of them: is the board quiet at its next start, too?
QUIET_S = 2
EACH = 8  # of the cuts that can is a torn one: of each world another one
# phase: what the board says when it begins, how long the power may stay then, how many operations of the chip at most
PHASES = {
    "boot": (None, 7.0, 0),
    "accepted": ("session open", 2.0, 12),
    "download": ("progress", 3.0, 900),
    "verify": ("state 40", 1.0, 0),
    "ready": ("state 50", 0.2, 2),
    "install": ("state 60", 0.2, 2),
    "trial": ("boot", 3.0, 6),
    "report": ("state 90", 1.0, 4),
}
_LATER = {"accepted": ("progress",), "download": ("state 50",), "verify": ("state 50",)}  # too late for that phase
ORDER = (
    "accepted",
    "boot",
    "download",
    "download",
    "verify",
    "ready",
    "install",
    "boot",
    "trial",
    "report",
    "report",
)
_ENDS = ("state 90", "result 4")  # a result 200 may be only the download's


class World:
    """One board, one update, cuts drawn from a seed."""

    def __init__(self, rig, seed):
        self.rig, self.random = rig, random.Random(seed)
        self.number = seed  # of a cut that can be a torn one
        self.program = rig.strategy.power.program
        self.machine, self.chip = self.program.machine, self.program.folder / "flash.img"
        self.said, self.since = 0, time.monotonic()  # lines heard before the power came last, and when it did

    def start(self):
        """Give it power and do not wait for anything."""
        self.said, self.since = self.rig.now, time.monotonic()
        self.program.on()

    def cut_in(self, phase):
        """Wait for the phase and take the power in it; False where the update was quicker."""
        text, most_s, operations = PHASES[phase]
        if text and not self._comes(text, phase):
            return False
        self.number += bool(operations)
        if operations and self.number % EACH == 0:
            self._tear(operations, most_s)
        else:
            time.sleep(self.random.random() * most_s)
        kind = KILLED if self.machine.alive else TORN
        self.machine.kill()
        where = self._where(phase)
        self.rig.tally.cut(where, kind)
        self.rig.hear("the power went in phase %s, %.1f s after it came" % (where, time.monotonic() - self.since))
        self.look()
        return True

    def look(self):
        """Check what every cut has to leave."""
        facts = chip_facts.read(self.chip)
        if facts.safe not in (OLD, NEW):
            self.rig.tally.violation("the confirmed bank is damaged: %s" % (facts,))
        if facts.safe == NEW and not self.confirmed:
            self.rig.tally.violation("the new firmware is confirmed before its trial: %s" % (facts,))

    def at_rest(self):
        """Take the power and read the chip; where the board does not know yet that its report was heard, let it tell again."""
        self.rig.power(False)
        if chip_facts.read(self.chip).phase == "report":
            since = self.rig.now
            self.rig.power(True)
            self.rig.wait("reported", since=since, timeout_s=120)
            time.sleep(QUIET_S)
            self.rig.power(False)
        return chip_facts.read(self.chip)

    @property
    def confirmed(self):
        """Tell whether a trial may have passed by now."""
        return any(line.startswith("boot ") and " trial version 2.0" in line for line in self.rig.heard)

    @property
    def told(self):
        """Tell whether the update's own report was heard; the one before it was only the download's."""
        lines = self.rig.heard
        ends = [number for number, line in enumerate(lines) if line.startswith("state 90")]
        return any(line.startswith("reported") for line in lines[ends[0] :]) if ends else False

    def _where(self, phase):
        """Return the phase that the power went in, by what the board said last: it may have gone on meanwhile."""
        if not any(line.startswith("listening") for line in self.rig.heard[self.said :]):
            return "boot"
        if self.told:
            return "idle"
        found = phase_of(list(self.rig.heard))
        return phase if (phase, found) in (("accepted", "idle"), ("accepted", "download")) else found

    def _comes(self, text, phase):
        """Wait for what the phase begins with; False once the update has ended."""
        wanted = (text,) if phase == "report" else (text, *_ENDS, *_LATER.get(phase, ()))
        line = self.rig.wait(*wanted, since=self.said, timeout_s=240)
        while phase == "trial" and " trial " not in line and not line.startswith(_ENDS):
            line = self.rig.wait(*wanted, since=self.rig.heard.index(line, self.said) + 1, timeout_s=240)
        return phase == "report" or line.startswith(text)

    def _tear(self, operations, most_s):
        """Let the power go inside of an operation; it stays where none comes in that time."""
        self.machine.cut_after(self.random.randint(1, operations), self.random.getrandbits(30))
        end = time.monotonic() + 2 + 2 * most_s
        while self.machine.alive and time.monotonic() < end:
            time.sleep(0.05)


def play(make_rig, seed):
    """Run one world to its end; return the order's outcome and the lines that the board said."""
    rig = make_rig(user="yes", trial_s=1, trial_max_s=120, start=False)
    world = World(rig, seed)
    package = rig.server.add_package(rig.update(NEW, encoding=world.random.choice(("none", "deflate"))), "fw-2.0.fup")
    try:
        return rig, world, _play(rig, world, package)
    except BaseException:
        print("\n".join([*rig.heard, world.machine.console()[-3000:]]))
        raise


def _play(rig, world, package):
    world.start()
    world.cut_in("boot")
    rig.power(True)
    order = rig.order(package, world.random.choice(("download-and-update", "download")))
    for phase in ORDER:
        if world.cut_in(phase):
            world.start()
    outcome = order.wait(300)
    rig.wait("reported", timeout_s=60)
    time.sleep(QUIET_S)
    return outcome


@pytest.mark.parametrize("seed", [pytest.param(n, marks=pytest.mark.short) if n < 2 else n for n in range(WORLDS)])
def test_an_update_survives_every_cut(make_rig, seed):
    rig, world, outcome = play(make_rig, seed)
    codes = {report.code for report in outcome.alerts}
    assert (outcome.result, outcome.code, codes, outcome.conflicts) == ("done", 200, {200}, []), rig.heard[-20:]
    facts = world.at_rest()
    before = len(outcome.alerts)
    assert {report.code for report in outcome.alerts} == {200} and not outcome.conflicts
    assert facts.safe == NEW and facts.phase == "idle", facts
    if seed >= LOOKED_AFTER:
        return
    since = rig.now
    rig.power(True)
    assert "confirmed version 2.0" in rig.wait("boot", since=since)
    time.sleep(QUIET_S)
    assert len(outcome.alerts) == before, "nothing more is reported once the device is idle"
