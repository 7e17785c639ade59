"""One Pico W whose power goes again and again, at moments drawn from a seed, while updates follow one another.

Half of the cuts come at any time, the others just behind a line that it says, so that each phase is met for certain. After each the
confirmed bank has to be whole, and each order has to end with one result: 200, or 410 where the cut hit the trial.
"""

import random
import threading
import time

from tests.mcu.goods import Goods
from tests.mcu.power import Power

PHASES = {
    "first stage": "bank ",
    "start": "boot 1",
    "session": "session open",
    "download": "progress",
    "verify": "state 40",
    "armed": "state 60",
    "leaving": "reset commanded",
    "trial": "confirmed version",
    "report": "result",
}
_LONGEST_S = 1.5  # to a cut at any time
_JUST_BEHIND_S = 0.05
_UPDATE_S = 180


class Life:
    """`cuts` are those to come; `hit` counts them by phase, `codes` are the results of the orders."""

    def __init__(self, folder, server, cuts, seed):
        self._dice, self._server, self.cuts = random.Random(seed), server, cuts
        self.name = "mcu:kills-%s" % seed
        self.goods = Goods(folder, server.add_device(self.name), settings={"speed": 0.02}, trial_max_ms=2000)
        self._packages = {
            version: server.add_package(self.goods.update(version, "asks"), version + ".fup")
            for version in ("1.0", "2.0")
        }
        self.hit, self.codes = dict.fromkeys((*PHASES, "any time"), 0), []
        self._last = threading.Event()
        self._wanted = list(PHASES)

    def run(self):
        """Live until there are no cuts left and the last order is over."""
        with Power(self.goods, hangs_s=20) as self.power:
            while self.cuts > 0 or not self.codes:
                self._update()
        return self

    def _update(self):
        now = self.goods.boot().confirmed()
        version = self.goods.holds(now).version
        wanted = "2.0" if version == "1.0" else "1.0"
        order = self._server.order(self.name, self._packages[wanted], "download-and-update")
        ends = time.monotonic() + _UPDATE_S
        while order.result == "waiting" and time.monotonic() < ends:
            if self.cuts > 0:
                self._cut()
            else:
                order.wait(1)
        outcome = order.wait(5)
        assert outcome.code in (200, 410), (outcome, self.power.lines[-30:], self.power.codes[-5:])
        assert len({report.code for report in outcome.alerts}) == 1, outcome.alerts
        self.codes.append(outcome.code)

    def _cut(self):
        """Take the power once, behind the line of a phase that is due, or at any time."""
        phase, since = "any time", len(self.power.lines)
        if self._dice.random() < 0.5:
            due = min(self.hit[name] for name in PHASES)
            names = [name for name in PHASES if self.hit[name] == due]
            text = PHASES[self._dice.choice(names)]
            if self.power.hears(text, 10, since):
                phase = next(name for name in PHASES if PHASES[name] == text)
                time.sleep(self._dice.uniform(0, _JUST_BEHIND_S))
        else:
            time.sleep(self._dice.uniform(0, _LONGEST_S))
        self.power.kill()
        self.cuts -= 1
        self.hit[phase] += 1
        confirmed = self.goods.boot().confirmed()
        assert self.goods.holds(confirmed), "the confirmed bank is not whole after a cut in: " + phase
