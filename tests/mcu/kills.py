"""One Pico W whose power goes again and again, at moments drawn from a seed, while updates follow one another.

Some of the cuts come at any time, the others in a phase that was hit least often, behind a line that the board says. After each the
confirmed bank has to be whole and one of the two that may be there; each order has to end with one result, 200 for good firmware.
A trial that the power cuts is begun again, twice: so no order has three of those cuts, nor ten without any progress.
"""

import random
import threading
import time

from hal.boot_record import CONFIRMED
from tests.mcu.fake_board import RESET
from tests.mcu.goods import Goods
from tests.mcu.moments import IDLE_NAME, LINES, PHASES, Left, ahead, phase_of
from tests.mcu.power import Power

VERSIONS = ("1.0", "2.0", "3.0")
_ENCODINGS = {"1.0": "none", "2.0": "deflate", "3.0": "none"}
_CUTS_AN_ORDER = 9
_FALLS, _STILL = 2, 6  # trials that a cut may use up, starts without progress: more end an order, rightly
_LAST = 2  # cuts in such an order before its end, in the report
_ANY_TIME = 0.4  # of the cuts
_LONGEST_S = 1.5  # to such a one
_BOOT_S = 0.5
_COMES_S, _ORDER_S = 15, 180
_HANGS_S = 20
_BAD = ("Traceback", "crash", "fault", "recovery", "power: the watchdog")


class Life:
    """`hit` counts the cuts by phase, `codes` are the results of the orders, `violations` what must not be."""

    def __init__(self, folder, server, seed):
        self._dice, self._server = random.Random(seed), server
        self.name = "mcu:kills-%s" % seed
        settings = {"speed": 0.02, "inside": False}  # a computer that has much to do is no board that hangs
        self.goods = Goods(folder, server.add_device(self.name), settings=settings)
        self._packages = {version: server.add_package(self._update(version), version + ".fup") for version in VERSIONS}
        self.hit, self.codes, self.violations = dict.fromkeys((*PHASES, IDLE_NAME), 0), [], []
        self.power = None
        self._trap, self._at_once, self._sprung = (), False, threading.Event()
        self._old = self._new = ""
        self._may_run = set()
        self._lines = self._boots = 0  # how many were looked at

    @property
    def cuts(self):
        """Return how many there were."""
        return sum(self.hit.values())

    def run(self, cuts, say=lambda text: None):
        """Live until there were so many cuts, and the last order is over; stop where something is wrong."""
        with Power(self.goods, hangs_s=_HANGS_S, hear=self._hear, on=False) as self.power:
            while (self.cuts < cuts or not self.codes) and not self.violations:
                self._order(min(max(cuts - self.cuts, 1), _CUTS_AN_ORDER))
                say("%d boots, %d power cuts, results %s" % (len(self.power.codes), self.cuts, self.codes[-1:]))
        return self

    def _update(self, version):
        """Make an update whose files lie elsewhere in it than in the others, so that there is something to be written."""

        def change(files):
            middle = sorted(files)[len(files) // 3]
            files[middle + "_room"] = bytes(1 + 1024 * VERSIONS.index(version))

        data = self.goods.image(version, "asks", change)
        return self.goods.package(data, version, encoding=_ENCODINGS[version])

    # -- one order ----------------------------------------------------------------------------------------------------

    def _order(self, cuts):
        """Have one update: it begins and ends without power, since the board asks for one when it starts."""
        left = Left(self.goods)
        confirmed, falls, spared = left.boot.confirmed(), 0, 0
        self._old = self.goods.holds(confirmed).version
        self._new = self._dice.choice([version for version in VERSIONS if version != self._old])
        self._may_run = {("confirmed", self._old), ("trial", self._new), ("confirmed", self._new)}
        method = self._dice.choice(("download-and-update", "download-and-update", "download"))
        order = self._server.order(self.name, self._packages[self._new], method)
        for _ in range(cuts - 1):
            spared += falls >= _FALLS or left.job.boots >= _STILL
            if spared > _LAST or not self._live_on(order, left, spared > 0) or self.violations:
                break
            left = self._cut()
            falls += left.on_trial
        self.power.on()
        self._end(order, confirmed)

    def _live_on(self, order, left, spared):
        """Give the board its power until the moment of the next cut; tell whether there is one in this order."""
        phase = "report" if spared else self._choose(ahead(left))
        longest_s = self._set_trap(phase, left.rank, spared)
        self.power.on()
        if phase == "boot":
            time.sleep(self._dice.uniform(0, _BOOT_S))
        elif phase is None:
            self._pass(self._dice.uniform(0, _LONGEST_S), order)
        elif self._comes(order, _ORDER_S if spared else _COMES_S):
            self._pass(self._dice.uniform(0, longest_s), order)
        elif spared:
            return False
        return not order.finished

    def _choose(self, names):
        """Return the phase that is hit on purpose, None for any time."""
        if self._dice.random() < _ANY_TIME:
            return None
        due = min(self.hit[name] for name in names)
        return self._dice.choice([name for name in names if self.hit[name] == due])

    def _set_trap(self, phase, rank, at_once):
        """Listen for a line behind which that phase is; return how long it may go on there."""
        ways, longest_s = LINES.get(phase, (((),), 0))
        if phase == "report" and rank == PHASES.index("report"):
            ways = LINES["session"][0]  # the result was said at an earlier start
        self._sprung.clear()
        self._at_once = at_once or not longest_s
        self._trap = self._dice.choice(ways)
        return 0 if at_once else longest_s

    def _comes(self, order, most_s):
        """Wait until the board says it; False where it does not come to that."""
        ends = time.monotonic() + most_s
        while not self._sprung.wait(0.1):
            if order.finished or time.monotonic() > ends:
                self._trap = ()
                return False
        return True

    def _hear(self, line):
        """Take what the board says, at the moment when it says it."""
        if self._trap and line.startswith(self._trap):
            self._trap = ()
            if self._at_once:
                self.power.cut()
            self._sprung.set()

    def _pass(self, duration_s, order):
        end = time.monotonic() + duration_s
        while time.monotonic() < end and not order.finished:
            time.sleep(0.01)

    # -- what has to be true ------------------------------------------------------------------------------------------

    def _cut(self):
        """Take the power, look at what that has left; return it. Nothing runs then."""
        self.power.off()
        left, said = Left(self.goods), self.power.boot_said()
        phase = phase_of(said, left)
        self.hit[phase] += 1
        self.violations += ["cut %d (%s): %s" % (self.cuts, phase, text) for text in self._troubles(left)]
        return left

    def _troubles(self, left):
        """Return what is wrong with the boots since the last look, and with what the chip holds."""
        confirmed = left.boot.confirmed()
        held = self.goods.holds(confirmed)
        if not left.boot.found or not held or held.version not in (self._old, self._new):
            yield "bank %d is confirmed and holds neither %s nor %s" % (confirmed, self._old, self._new)
        lines, codes = self.power.lines[self._lines :], self.power.codes[self._boots :]
        self._lines, self._boots = len(self.power.lines), len(self.power.codes)
        for code in codes[:-1]:
            if code != RESET:
                yield "a boot has ended by %d" % code
        for line in lines:
            if any(text in line for text in _BAD):
                yield "it said: " + line
            elif line.startswith("boot 1 "):
                yield from self._judge_start(line)

    def _judge_start(self, line):
        """A start is of old firmware that is confirmed, or of new firmware; once that is confirmed, of nothing else."""
        words = line.split()
        found = words[4], words[6]
        if found not in self._may_run:
            yield "it should not have started so: " + line
        elif found == ("confirmed", self._new):
            self._may_run = {found}

    def _end(self, order, confirmed):
        outcome = order.wait(_ORDER_S)
        left, found = self._cut(), []
        if outcome.code != 200 or outcome.result != "done" or outcome.failure:
            found.append("it ended with %s %s %s" % (outcome.result, outcome.code, outcome.failure))
        if outcome.conflicts or {report.code for report in outcome.alerts} != {outcome.code}:
            found.append("it has more than one result: %s" % (outcome.conflicts or outcome.alerts))
        if left.boot.state != CONFIRMED or left.boot.confirmed() != 1 - confirmed:
            found.append("bank %d is confirmed, in state %d" % (left.boot.confirmed(), left.boot.state))
        elif self.goods.holds(1 - confirmed).version != self._new:
            found.append("bank %d does not hold %s" % (1 - confirmed, self._new))
        if outcome.firmware_version not in (None, "", self._new):
            found.append("the server read %s" % outcome.firmware_version)
        self.codes.append(outcome.code)
        text = "order %d (%s, %s to %s): " % (len(self.codes), order.method, self._old, self._new)
        self.violations += [text + line for line in found]
