"""Power cuts at random moments of updates on the emulated microcontroller, and what has to be true after each of them.

The power goes by SIGKILL: between any two instructions of the processor, so also inside of a page or an erase. Then, with nobody
running: the chip was never treated against its rules, its boot record names a bank, and that bank holds an image that was
once installed or ordered, whole. At the end of each order there is one result, and what runs is what the result says.
"""

import random
import threading
import time
from dataclasses import dataclass, field

from agent.errors import FlashError
from board import rig_mps2
from flash_tools.errors import SilentError
from flash_tools.rig.mcu.goods import NOTIFY_PORT, digest
from hal.boot_record import BootRecord
from hal.region import carve
from tests.rig_mcu.bench import Bench

_CUTS_AN_ORDER, _BEHAVIOURS = 7, ("good", "good", "good", "crash", "unfit")
_ORDER_S, _BOUND_S = 240, 40
_LONGEST_S, _SHORT_S = 6.0, 0.4
_AFTER = ("bank ", "boot ", "phase ")  # lines behind which something begins


@dataclass
class Tally:
    """What was done."""

    boots: int = 0
    power_cuts: int = 0
    orders: int = 0
    codes: dict = field(default_factory=dict)
    violations: list = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add what another board did."""
        self.boots, self.power_cuts, self.orders = (
            self.boots + other.boots,
            self.power_cuts + other.power_cuts,
            self.orders + other.orders,
        )
        for code, count in other.codes.items():
            self.codes[code] = self.codes.get(code, 0) + count
        self.violations += other.violations


class Cells:
    """A chip's cells as a flash that nobody writes."""

    page, program_unit, blocking = 256, 1, True
    erase_units = ((4096, 1),)

    def __init__(self, cells):
        self._cells, self.size = cells, len(cells)

    def read(self, addr, into):
        into[:] = self._cells[addr : addr + len(into)]

    def program(self, addr, data):
        raise FlashError("only read")

    def erase(self, addr, size):
        raise FlashError("only read")

    def busy(self):
        return False


class Board:
    """One board that gets order after order; `images` are those it may run, by their digest."""

    def __init__(self, bench, seed):
        self.bench, self.tally, self._random = bench, Tally(), random.Random(seed)
        self.images, self._version = {}, 0
        image = bench.goods.image("1.0")
        self._learn("1.0", image)
        self.confirmed, self.say = "1.0", lambda text: None

    def _learn(self, version, image):
        self.images[version] = len(image), digest(image)

    def order(self, cuts):
        """Have one update, the power cut so many times in it."""
        self._version += 1
        version = "2.%d" % self._version
        behaviour = self._random.choice(_BEHAVIOURS)
        self._learn(version, self.bench.goods.image(version, behaviour))
        order = self.bench.order(version, behaviour)
        self.tally.orders += 1
        for _ in range(cuts):
            if order.finished:
                break
            self._run_for_a_while(order)
            self._cut()
            self.bench.on()
            self._wake(order)
        self._end(order, version, behaviour)

    def _run_for_a_while(self, order):
        """Let the board work for a random time, counted from its start or from something that it says."""
        kind = self._random.randrange(3)
        if kind == 0:
            return self._pause(self._random.uniform(0, _LONGEST_S), order)
        start = self.bench.board.console.size if kind == 1 else 0
        try:
            self.bench.board.console.wait(_AFTER, _LONGEST_S, start)
        except SilentError:
            pass
        return self._pause(self._random.uniform(0, _SHORT_S), order)

    def _pause(self, duration_s, order):
        end = time.monotonic() + duration_s
        while time.monotonic() < end and not order.finished:
            time.sleep(0.002)

    def _cut(self):
        self.tally.boots += max(1, self.bench.board.memory.boots)
        self.bench.cut()
        self.tally.power_cuts += 1
        if self.tally.power_cuts % 5 == 0:
            self.say("%d power cuts" % self.tally.power_cuts)
        self._check()

    def _check(self):
        """Look at the chip while nobody runs."""
        for trouble in self.troubles():
            self.tally.violations.append("cut %d: %s" % (self.tally.power_cuts, trouble))

    def troubles(self):
        """Return what is wrong with the chip."""
        found = [self.bench.board.memory.complaint] if self.bench.board.memory.complaint else []
        regions = carve(Cells(self.bench.board.memory.chip()), rig_mps2.LAYOUT)
        boot = BootRecord(regions["boot"])
        if not boot.found:
            return [*found, "there is no boot record"]
        if not self.version_in(regions["bank%d" % boot.confirmed()]):
            found.append("bank %d is confirmed and holds no image that anybody made" % boot.confirmed())
        return found

    def version_in(self, bank):
        """Return which version a bank holds, None for anything else."""
        for version, (size, sha256) in self.images.items():
            cells = bytearray(size)
            bank.read(0, cells)
            if digest(cells) == sha256:
                return version
        return None

    def _wake(self, order):
        """Tell the board that there is something for it, as a server does that waits for a report."""
        if order.finished:
            return
        try:
            port = self.bench.proxy.wait_port(NOTIFY_PORT, _BOUND_S)
            self.bench.server.notify(self.bench.goods.device_id, ("127.0.0.1", port))
        except TimeoutError:
            pass  # a trial of firmware that does not work: it resets

    def _end(self, order, version, behaviour):
        end = time.monotonic() + _ORDER_S
        while not order.finished and time.monotonic() < end:
            time.sleep(0.05)
        if not order.finished:
            said = self.bench.said()[-400:]
            self.tally.violations.append("order %s (%s) has no result; the board said: %s" % (version, behaviour, said))
            return
        result = "%s_%s" % (behaviour, order.code)
        self.tally.codes[result] = self.tally.codes.get(result, 0) + 1
        if order.conflicts or len({report.code for report in order.reports}) != 1:
            self.tally.violations.append("order %s has more than one result: %s" % (version, order.conflicts))
        self._compare(order, version, behaviour)

    def _compare(self, order, version, behaviour):
        """What runs must be what the result says."""
        if behaviour != "good" and order.code == 200:
            self.tally.violations.append("order %s (%s) was reported as good" % (version, behaviour))
        before, self.confirmed = self.confirmed, version if order.code == 200 else self.confirmed
        if order.firmware_version not in (None, "", self.confirmed):
            text = "order %s ended with %s and %s runs, %s before"
            self.tally.violations.append(text % (version, order.code, order.firmware_version, before))


def run(cuts, seed, boards=2, say=lambda text: None) -> Tally:
    """Cut the power so many times, on some boards at once; return what was done."""
    total, lock, threads = Tally(), threading.Lock(), []

    def work(number):
        tally = _one(-(-cuts // boards), seed * 1000 + number, say)
        with lock:
            total.add(tally)

    for number in range(boards):
        threads.append(threading.Thread(target=work, args=(number,), name="mcu-cuts-%d" % number))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return total


def _one(cuts, seed, say):
    tally = Tally()
    try:
        with Bench(seed=seed) as bench:
            board = Board(bench, seed)
            tally, board.say = board.tally, say
            bench.on()
            while tally.power_cuts < cuts and not tally.violations:
                board.order(min(_CUTS_AN_ORDER, cuts - tally.power_cuts))
                say("board %d: %d power cuts, results %s" % (seed % 1000, tally.power_cuts, tally.codes))
            tally.boots += bench.board.memory.boots
            bench.cut()
            board._check()
    except Exception as e:  # a thread's end has to be heard of
        tally.violations.append("%s: %s" % (type(e).__name__, e))
    return tally
