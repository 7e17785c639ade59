"""The board as a whole: why it started, who it is, how it is reset, and the few bits that survive that.

Ports differ in what they tell. An rp2 says "watchdog" after machine.reset() too, an stm32 the same after a reset by its button and
by the firmware, an esp32 after a panic of its firmware: so whoever resets on purpose leaves a mark, and what nobody has marked
is never taken for something that was wanted.
"""

import machine

from agent import reset
from agent.compat import const

_CHECK = const(0xA5)
_PLANNED = const(0x5C)
_ITEMS = const(3)  # number, the number xor _CHECK, mark; the last ones, because programs begin at the first
_RP2_SCRATCH = {
    "RP2040": 0x40058010,
    "RP2350": 0x400D8010,
}  # SCRATCH1 to 3 of the watchdog, where mem_backup has its last


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


def find_scratch(platform, chip=""):
    """Return the Scratch of the board, None where its memory does not survive a reset. `chip` is what the firmware runs on."""
    if hasattr(machine, "mem_backup"):
        items = machine.mem_backup()
        return Scratch(items, len(items) - _ITEMS) if len(items) >= _ITEMS else None
    if platform == "rp2":
        for name in _RP2_SCRATCH:
            if name in chip:
                return Scratch(machine.mem32, _RP2_SCRATCH[name], 4)
    elif hasattr(machine.RTC, "memory"):
        return Scratch(_RtcMemory(), 0)
    return None


class _RtcMemory:
    """The memory of the clock chip, before mem_backup: it can only be read and written whole."""

    def __init__(self):
        self._memory = machine.RTC().memory

    def __getitem__(self, at):
        data = self._memory()
        return data[at] if at < len(data) else 0

    def __setitem__(self, at, value):
        data = bytearray(self._memory())
        if len(data) < _ITEMS:
            data = bytearray(_ITEMS)
        data[at] = value
        self._memory(data)


def take_cause(scratch):
    """Return why the board started, one of agent.reset. Once for each start: a mark counts for one start only."""
    planned = scratch.take_planned() if scratch else False
    told = machine.reset_cause()
    if told == _number("PWRON_RESET"):
        return reset.POWER
    if planned or told == _number("DEEPSLEEP_RESET"):  # nobody sleeps by mistake
        return reset.COMMANDED
    return reset.WATCHDOG if told == _number("WDT_RESET") else reset.UNKNOWN


def _number(name):
    return getattr(machine, name, None)


def restart(scratch=None, planned=True):
    """Reset the board; never returns."""
    if scratch and planned:
        scratch.mark_planned()
    while True:
        machine.reset()


def unique_id():
    """Return the number that no other board has, in hexadecimal."""
    from binascii import hexlify

    return str(hexlify(machine.unique_id()), "ascii")
