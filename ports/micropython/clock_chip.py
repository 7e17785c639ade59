"""Sets the clock chip of a board, which the date comes from: see clock.py."""

import time

from ports.micropython.clock import FROM_2000


def set_clock(seconds, platform, module=time):
    """Set the board's clock chip to so many seconds since 1970."""
    from machine import RTC

    epoch = FROM_2000 if module.gmtime(0)[0] == 2000 else 0
    year, month, day, hour, minute, second, weekday = module.gmtime(seconds - epoch)[:7]
    weekday += platform == "pyboard"  # an stm32 counts the days of the week from 1
    RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
