"""The module `time` of the fake board: real durations, a date that the board was told, and a watchdog that looks at both.

It stands in for `time` in sys.modules, so that a program that only sleeps is bitten too.
"""

import sys
import time as _time

import fake_state as state

_MICRO = sys.implementation.name == "micropython"
_DATES = {"rp2": 1609459200, "rp2350": 1609459200, "stm32": 1420070400}  # where a clock chip begins that nobody has set
_FROM_2000 = 946684800
_PERIOD = 1 << 30
_PIECE_MS = 50
late_ms = 0  # added to the counter, so that tests see it wrap

_looks = []  # functions called whenever time passes


def when_time_passes(function):
    """Have a function called at each sleep."""
    _looks.append(function)


def _ms():
    return _time.ticks_ms() if _MICRO else _time.monotonic_ns() // 1000000


def _true():
    return int(_time.time())


def _begin():
    """Return what has to be added to the true date."""
    date = state.settings["date"]
    kept = state.read_json("rtc.json", None) if state.cause != state.POWER else None
    if kept is not None or date == "host":
        return kept or 0
    port = state.settings["port"]
    return (_DATES.get(port, _FROM_2000) if date is None else date) - _true()


_offset = _begin()


def set_unix(seconds):
    """The clock chip is set."""
    global _offset
    _offset = seconds - _true()
    state.put("rtc.json", "%d" % _offset)


def _epoch():
    return _FROM_2000 if state.settings["epoch"] == 2000 else 0


def time():
    """Return the seconds since the port's epoch."""
    return _true() + _offset - _epoch()


def gmtime(seconds=None):
    """Return the date as MicroPython has it."""
    return tuple(_time.gmtime((time() if seconds is None else seconds) + _epoch()))[:8]


localtime = gmtime


def mktime(date):
    """Return the seconds of a date since the port's epoch."""
    import calendar_days

    return calendar_days.seconds(date) - _epoch()


def ticks_ms():
    """Return the counter of milliseconds, which wraps as on boards."""
    return (_ms() + late_ms) % _PERIOD


def ticks_us():
    """Return the counter of microseconds."""
    return (_time.ticks_us() if _MICRO else _time.monotonic_ns() // 1000) % _PERIOD


ticks_cpu = ticks_us


def ticks_diff(later, earlier):
    """Return the difference, right for half a round."""
    return (later - earlier + _PERIOD // 2) % _PERIOD - _PERIOD // 2


def ticks_add(ticks, delta):
    """Return a later reading."""
    return (ticks + delta) % _PERIOD


def sleep_ms(duration_ms):
    """Sleep, and let everybody look at the time now and then."""
    if duration_ms < 0:
        duration_ms = 0
    started = _ms()
    while True:
        for look in _looks:
            look()
        left_ms = duration_ms - (_ms() - started)
        if left_ms <= 0:
            return
        _time.sleep(min(left_ms, _PIECE_MS) / 1000)


def sleep(duration_s):
    """Sleep for seconds."""
    sleep_ms(int(duration_s * 1000))


def sleep_us(duration_us):
    """Sleep for microseconds."""
    _time.sleep(duration_us / 1000000)


def time_ns():
    """Return the nanoseconds since the port's epoch."""
    return time() * 1000000000
