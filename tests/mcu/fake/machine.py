"""The module `machine` of a microcontroller, for the unix MicroPython and for CPython: see fake_state.py for what it is told.

Import it before anything else: it puts its own `time` into sys.modules, and borrows the chip's model while the path has the
project on it.
"""

import sys

import fake_bus
import fake_chip
import fake_pins
import fake_state as state
import fake_time
from fake_bus import I2C, SPI, UART, SoftI2C, SoftSPI  # noqa: F401  the module's own names
from fake_memory import Backup, RtcMemory, mem32  # noqa: F401
from fake_pins import Pin  # noqa: F401
from fake_watchdog import WDT  # noqa: F401

_PORT = state.settings["port"]
_NAMES = {"PWRON_RESET": 1, "HARD_RESET": 2, "WDT_RESET": 3, "DEEPSLEEP_RESET": 4, "SOFT_RESET": 5}
_RP2 = {state.POWER: 1, state.BUTTON: 1, state.RESET: 3, state.WATCHDOG: 3, state.PANIC: 3, state.SLEEP: 3}
_ESP32 = {state.POWER: 1, state.BUTTON: 1, state.RESET: 2, state.WATCHDOG: 3, state.PANIC: 2, state.SLEEP: 4}
_STM32 = {state.POWER: 1, state.BUTTON: 2, state.RESET: 2, state.WATCHDOG: 3, state.PANIC: 2, state.SLEEP: 4}
_OTHERS = {state.POWER: 1, state.BUTTON: 2, state.RESET: 5, state.WATCHDOG: 3, state.PANIC: 5, state.SLEEP: 4}
_CAUSES = {"rp2": _RP2, "rp2350": _RP2, "esp32": _ESP32, "stm32": _STM32}

for _name in _NAMES:
    if _PORT not in ("rp2", "rp2350") or _name in ("PWRON_RESET", "WDT_RESET"):
        globals()[_name] = _NAMES[_name]

if state.settings.get("partitions"):
    import esp32  # noqa: F401  its bootloader runs before anything else, and borrows its model

if state.settings["rom"]:
    import fake_rom  # noqa: F401  gives the module vfs what firmware with ROMFS has

if Backup.items():
    _backup = Backup()

    def mem_backup(region=0):
        """Return the memory that survives a reset."""
        if region:
            raise ValueError("region")
        return _backup


class RTC:
    """The clock chip."""

    def datetime(self, date=None):
        """Set or tell the date."""
        if date is None:
            year, month, day, hour, minute, second, weekday = fake_time.gmtime()[:7]
            return year, month, day, weekday, hour, minute, second, 0
        year, month, day, weekday, hour, minute, second, _ = date
        if not (1 <= month <= 12 and 1 <= day <= 31 and 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
            raise ValueError("invalid date")
        if not (1 <= weekday <= 7 if _PORT == "stm32" else 0 <= weekday < 7):
            raise ValueError("invalid weekday")
        from calendar_days import seconds

        fake_time.set_unix(seconds((year, month, day, hour, minute, second)))


if _PORT == "esp32":
    RTC.memory = RtcMemory().memory


def reset():
    """Reset the board."""
    state.end(state.RESET)


def reset_cause():
    """Tell why the board started, as far as the port tells."""
    return _CAUSES.get(_PORT, _OTHERS)[state.cause]


def soft_reset():
    """Begin anew without a reset."""
    raise SystemExit


def bootloader(timeout=0):
    """Leave for the boot loader."""
    state.end("bootloader")


def deepsleep(time_ms=0):
    """Sleep; the end of it is a reset."""
    fake_time.sleep_ms(time_ms)
    state.end(state.SLEEP)


def lightsleep(time_ms=0):
    """Sleep."""
    fake_time.sleep_ms(time_ms)


def idle():
    """Wait for an interrupt."""
    fake_time.sleep_ms(1)


def freq(hz=None):
    """Tell how fast it runs."""
    return 125000000


def unique_id():
    """Tell the chip's number."""
    import binascii

    return binascii.unhexlify(state.settings["unique_id"])


def disable_irq():
    """Nothing interrupts here."""
    return 0


def enable_irq(before):
    """Nothing interrupts here."""


if sys.implementation.name == "micropython":
    sys.modules["time"] = fake_time
fake_bus.chip = fake_chip.make_chip()
chip = fake_bus.chip  # for tests alone
_pins_look = fake_pins.looks
