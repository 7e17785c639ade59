"""What the watchdogs of MicroPython's ports can do, and how one is armed: in memory only then. See watchdog.py."""

from agent.errors import FlashError

# sys.platform: (shortest, longest, step or 0 for powers of two, percent that are certain)
_KINDS = {
    "rp2": (1, 16777, 1, 100),  # RP2350 since 1.29; all others end at 8388 and say so
    "esp32": (1000, 3600000, 1000, 100),  # whole seconds in firmware before 1.22
    "pyboard": (10, 32767, 1, 66),  # stm32: an RC oscillator of 32 kHz that may run at 47
    "mimxrt": (500, 128000, 500, 100),  # confines in silence
    "samd": (512, 16384, 0, 90),  # confines in silence; its second has 1024 ms, and a fast oscillator
    "alif": (1, 10737, 1, 100),
}
_OTHER = (1, 3600000, 1, 100)
_LOWER = (16777, 10737, 8388, 5000, 1000)  # what is tried where the hardware refuses more


def arm(wanted_ms, platform, wdt=None):
    """Return (the machine.WDT, which runs then, the shortest time-out that it may have); one that is given runs already."""
    least, most, step, certain = _KINDS.get(platform, _OTHER)
    asked_ms = _confined(wanted_ms, least, most, step)
    if not wdt:
        wdt, asked_ms = _arm(asked_ms)
    return wdt, asked_ms * certain // 100


def _confined(wanted_ms, least, most, step):
    found = max(least, min(wanted_ms, most))
    if step:
        return found // step * step
    power = least
    while power * 2 <= found:
        power *= 2
    return power


def _arm(asked_ms):
    """Return (the watchdog, the time-out that it took)."""
    try:
        from machine import WDT
    except ImportError:
        raise FlashError("this firmware has no watchdog (machine.WDT): use one that has")
    error = None
    for limit_ms in (asked_ms,) + _LOWER:
        if limit_ms <= asked_ms:
            try:
                return WDT(timeout=limit_ms), limit_ms
            except ValueError as e:
                error = e
    raise FlashError("the watchdog takes no time-out up to %d ms: %s" % (asked_ms, error))
