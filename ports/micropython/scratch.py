"""The few bits of a board that survive a reset; system.py finds the memory for them."""

from agent.compat import const

_CHECK = const(0xA5)
_PLANNED = const(0x5C)
ITEMS = const(3)  # number, the number xor _CHECK, mark; the last ones, because programs begin at the first


class Scratch:
    """The CrashCounter contract, and the mark of a reset that was planned, in three items of `items`: at `at`, and each `step`."""

    remembers = True

    def __init__(self, items, at, step=1):
        self._items, self._at, self._check, self._mark = items, at, at + step, at + 2 * step

    def get(self):
        """Return the number kept; 0 where power came since."""
        value = self._items[self._at]
        return value if self._items[self._check] == value ^ _CHECK else 0

    def set(self, value):
        """Keep a number from 0 to 255; a reset between the two halves forgets it."""
        self._items[self._at] = value
        self._items[self._check] = value ^ _CHECK

    def mark_planned(self):
        """Note that the reset that comes now is wanted."""
        self._items[self._mark] = _PLANNED

    def take_planned(self):
        """Tell whether the last reset was wanted, once."""
        planned = self._items[self._mark] == _PLANNED
        if planned:
            self._items[self._mark] = 0
        return planned
