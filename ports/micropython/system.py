"""The board as a whole: why it started, who it is, how it is reset, and the few bits that survive that.

Ports differ in what they tell. An rp2 says "watchdog" after machine.reset() too, an stm32 the same after a reset by its button and
by the firmware, an esp32 after a panic of its firmware: so whoever resets on purpose leaves a mark, and what nobody has marked
is never taken for something that was wanted.
"""

import machine

from agent import reset
from ports.micropython.scratch import ITEMS, Scratch

_RP2_SCRATCH = {
    "RP2040": 0x40058010,
    "RP2350": 0x400D8010,
}  # SCRATCH1 to 3 of the watchdog, where mem_backup has its last


def find_scratch(platform, chip=""):
    """Return the Scratch of the board, None where its memory does not survive a reset. `chip` is what the firmware runs on."""
    if hasattr(machine, "mem_backup"):
        items = machine.mem_backup()
        return Scratch(items, len(items) - ITEMS) if len(items) >= ITEMS else None
    if platform == "rp2":
        for name in _RP2_SCRATCH:
            if name in chip:
                return Scratch(machine.mem32, _RP2_SCRATCH[name], 4)
    elif hasattr(machine.RTC, "memory"):
        from ports.micropython.rtc_memory import RtcMemory

        return Scratch(RtcMemory(), 0)
    return None


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
