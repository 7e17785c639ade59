"""Power that fails at random: inside flash operations, with every effect the simulator knows, and between them.

Random, but the same for the same seed as far as it is decided here: which operation, which effect, after how long, for how
long. A device that has lost two trials to cuts loses no third one: after that it would rightly report a failure.
"""

import random
import time

from flash_tools.sim.sim_process import POWER_CUT
from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS

EFFECTS = tuple(sorted(set(PROGRAM_EFFECTS + ERASE_EFFECTS) - {"reset"}))
_OPERATIONS = 400  # an update of 64 KiB has about so many
_INSIDE = 0.75  # share of the cuts that are planned by operations
_MEAN_S = 6
_TRIALS = 2


class Cuts:
    """Of one fleet; each device loses its power `most` times at most and has it back after `back_s` (from, to)."""

    def __init__(self, loop, seed=1, most=3, back_s=(0.05, 1.5)):
        self._loop, self._seed, self._most, self._back_s = loop, seed, most, back_s
        self._random, self._left, self._trials = {}, {}, {}
        self.inside = self.between = 0

    def started(self, device):
        """A device has power: plan how it loses it."""
        index = device.index
        chance = self._random.setdefault(index, random.Random("%s/%d" % (self._seed, index)))
        if self._left.setdefault(index, self._most) <= 0:
            return
        board, start = device.board, device.starts
        if chance.random() < _INSIDE:
            operation, effect = 1 + chance.randrange(_OPERATIONS), chance.choice(EFFECTS)
            board.flash.faults.plan(operation, effect, chance.randrange(1, 0x7FFFFFFF))
        else:
            wait_s = chance.expovariate(1 / _MEAN_S)
            self._loop.at(time.monotonic() + wait_s, lambda: self._cut(device, start))

    def ended(self, device):
        """A device has lost its power, or has ended: give it back where it was cut."""
        if device.code != POWER_CUT:
            return
        index, start = device.index, device.starts
        inside = device.lines[-1].split()[1] != "between"
        self.inside, self.between = self.inside + inside, self.between + (not inside)
        self._count(index, device.where)
        device.returns = True
        wait_s = self._random[index].uniform(*self._back_s)
        self._loop.at(time.monotonic() + wait_s, lambda: self._back(device, start))

    def _count(self, index, where):
        self._left[index] -= 1
        self._trials[index] = self._trials.get(index, 0) + (where != "agent")
        if self._trials[index] >= _TRIALS:
            self._left[index] = 0

    @staticmethod
    def _back(device, start):
        if device.starts == start and device.returns:  # else somebody has switched meanwhile
            device.on()

    def _cut(self, device, start):
        if device.starts == start and device.runs:
            device.cut()
