"""Power cuts at random moments of updates on the emulated microcontroller, and what has to be true after each of them.

The power goes by SIGKILL: between any two instructions of the processor, so also inside of a page or an erase. Half of the cuts
come at any time, the others in the phase that was hit least. Good firmware has to end with 200 every time, whatever was cut: only
three trials that lose their power may end with 410, so the third trial of an order is left alone (docs/protocol.md, J6).
"""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from flash_tools.rig.mcu.goods import NOTIFY_PORT
from tests.rig_mcu.bench import Bench, Limit
from tests.rig_mcu.judge import Judge
from tests.rig_mcu.moments import LEAVES, PHASES, SIGNS, phase_of, work_of

_CUTS_AN_ORDER, _BEHAVIOURS = 7, ("good", "good", "good", "crash", "unfit")
_TRIALS = 2  # that may lose their power: one more has to be left
_ORDER_S = 240
_LONGEST_MS, _SIGN_MS, _JUST_BEHIND_MS = 15000, 60000, 90  # by the board's clock
_STILL_S, _LOOK_S = 600, 0.002
_ENOUGH = 50  # cuts that have to hit each phase


@dataclass
class Tally:
    """What was done."""

    boots: int = 0
    power_cuts: int = 0
    orders: int = 0
    codes: Counter = field(default_factory=Counter)
    phases: Counter = field(default_factory=Counter)
    works: Counter = field(default_factory=Counter)
    violations: list = field(default_factory=list)

    def __add__(self, other):
        """Return both together."""
        return Tally(**{name: value + getattr(other, name) for name, value in vars(self).items()})

    def figures(self):
        """Return all of it as numbers by name."""
        named = (("results", self.codes), ("mcu_cuts", self.phases), ("mcu_cuts_in", self.works))
        counts = {"%s_%s" % (begin, name): count for begin, of in named for name, count in sorted(of.items())}
        return {"boots": self.boots, "power_cuts": self.power_cuts, "orders": self.orders, **counts}


class Board:
    """One board that gets order after order, and loses its power meanwhile."""

    def __init__(self, bench, seed, say=lambda text: None):
        self.bench, self.tally, self._dice, self._say = bench, Tally(), random.Random(seed), say
        self.judge = Judge(bench.board.memory)
        self.judge.learn("1.0", bench.goods.image("1.0"))
        self.judge.confirmed = "1.0"
        self._version = self._notified = 0
        self._hit = dict.fromkeys(PHASES, 0)

    def order(self, cuts):
        """Have one update, the power cut so many times in it."""
        self._version += 1
        version, behaviour = "2.%d" % self._version, self._dice.choice(_BEHAVIOURS)
        self.judge.learn(version, self.bench.goods.image(version, behaviour))
        trials = {self.judge.trial()}
        start = self.bench.board.console.size
        order = self.bench.order(version, behaviour)
        self._notified, self.tally.orders = self.bench.proxy.ports.get(NOTIFY_PORT), self.tally.orders + 1
        while cuts and not order.finished and len(trials) <= _TRIALS:
            self._wait_for_a_moment(order, start)
            if order.finished:
                break
            self._cut()
            trials |= {self.judge.trial()} - {b""}
            self.bench.on()
            start, cuts = 0, cuts - 1
        self._end(order, version, behaviour)

    # -- when ---------------------------------------------------------------------------------------------------------

    def _wait_for_a_moment(self, order, start):
        if self._dice.random() < 0.5:
            return self._pause(order, self._dice.uniform(0, _LONGEST_MS))
        least = min(self._hit.values())
        phase = self._dice.choice([name for name in PHASES if self._hit[name] == least])
        sign = SIGNS.get(phase, LEAVES)
        if start or phase in SIGNS:  # else the power has just come: that is the first stage
            self._pause(order, _SIGN_MS, sign, start)
        return self._pause(order, self._dice.random() ** 2 * _JUST_BEHIND_MS)

    def _pause(self, order, duration_ms, sign=None, start=0):
        """Let the board work for so long, or until it says something."""
        memory, real_end = self.bench.board.memory, time.monotonic() + _STILL_S
        end_ms = memory.elapsed_ms + duration_ms
        while memory.elapsed_ms < end_ms and not order.finished and time.monotonic() < real_end:
            self._wake(order)
            if sign and sign in self.bench.said()[start:]:
                return
            time.sleep(_LOOK_S)

    def _wake(self, order):
        """Tell the board, at each of its starts, that there is something for it, as a server does that waits for a report."""
        port = self.bench.proxy.ports.get(NOTIFY_PORT)
        if port and port != self._notified and not order.finished:
            self._notified = port
            self.bench.server.notify(self.bench.goods.device_id, ("127.0.0.1", port))

    # -- what comes of it ---------------------------------------------------------------------------------------------

    def _cut(self):
        tally, memory = self.tally, self.bench.board.memory
        self.bench.cut()
        tally.boots += max(1, memory.boots)
        tally.power_cuts += 1
        phase, work = phase_of(self.bench.heard[-1]), work_of(memory.work)
        if phase in self._hit:
            self._hit[phase] += 1
        tally.phases[phase] += 1
        if work:
            tally.works[work] += 1
        tally.violations += ["cut %d (%s): %s" % (tally.power_cuts, phase, text) for text in self.judge.troubles()]

    def _end(self, order, version, behaviour):
        limit = Limit(self.bench.board, _ORDER_S)
        while not order.finished and not limit.over:
            self._wake(order)
        tally = self.tally
        if not order.finished:
            said = self.bench.said()[-400:]
            tally.violations.append("order %s (%s) has no result; the board said: %s" % (version, behaviour, said))
            return
        tally.codes["%s_%s" % (behaviour, order.code)] += 1
        tally.violations += self.judge.end(order, version, behaviour)
        self._say("%s: %d power cuts, results %s" % (self.bench.goods.device_id, tally.power_cuts, dict(tally.codes)))

    def rest(self):
        """Take the power for good."""
        self.tally.boots += self.bench.board.memory.boots
        self.bench.cut()
        self.tally.violations += self.judge.troubles()


def run(cuts, seed, boards=2, say=lambda text: None) -> Tally:
    """Cut the power so many times, on some boards at once; return what was done."""
    tallies, threads = [], []

    def work(number):
        tallies.append(_one(-(-cuts // boards), seed * 1000 + number, say))

    for number in range(boards):
        threads.append(threading.Thread(target=work, args=(number,), name="mcu-cuts-%d" % number))
        threads[-1].start()
    for thread in threads:
        thread.join()
    whole = sum(tallies, Tally())
    missed = [name for name in PHASES if not whole.phases[name]]
    if missed and whole.power_cuts >= _ENOUGH:
        whole.violations.append("no power cut hit: " + ", ".join(missed))
    return whole


def _one(cuts, seed, say):
    tally = Tally()
    try:
        with Bench(seed=seed) as bench:
            board = Board(bench, seed, say)
            tally = board.tally
            bench.on()
            while tally.power_cuts < cuts and not tally.violations:
                board.order(min(_CUTS_AN_ORDER, cuts - tally.power_cuts))
            board.rest()
    except Exception as e:  # a thread's end has to be heard of
        tally.violations.append("%s: %s" % (type(e).__name__, e))
    return tally
