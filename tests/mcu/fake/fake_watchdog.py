"""machine.WDT of the fake board: what each port takes, and a bite whenever the program sleeps or touches hardware too late.

A program that does neither is bitten from outside: `watchdog` in the folder has "TIMEOUT_MS FEEDS", written at most every
20 ms, and whoever sees it stand still for longer than that writes "watchdog" into `reset` and kills the process.
"""

import fake_pins as pins
import fake_state as state
import fake_time as time

_MOST = {"rp2": 8388, "rp2350": 16777, "stm32": 32767}
_SILENT = {"mimxrt": (500, 128000), "samd": (512, 16384)}
_WRITE_MS = 20
_one = []  # the only watchdog: making it again sets it anew


class WDT:
    """Runs from its making on."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("WDT(%d) doesn't exist" % id)
        port = state.settings["port"]
        if timeout <= 0 and port not in _SILENT:
            raise ValueError("WDT timeout too short")
        if timeout > _MOST.get(port, timeout):
            raise ValueError("timeout exceeds %d" % _MOST[port])
        self._set(_silently(port, timeout))
        del _one[:]
        _one.append(self)

    def _set(self, ms):
        self.real_ms = min(ms, state.settings["bites_ms"] or ms)  # for tests: no board tells
        self._fed = self._wrote = time.ticks_ms()
        self._feeds = 0
        self._write()

    def feed(self):
        """Start the time-out again, if it is not over."""
        self.look()
        self._fed = time.ticks_ms()
        self._feeds += 1
        if time.ticks_diff(self._fed, self._wrote) >= _WRITE_MS:
            self._wrote = self._fed
            self._write()

    def look(self):
        """Bite if it is time."""
        if state.settings["inside"] and time.ticks_diff(time.ticks_ms(), self._fed) > self.real_ms:
            state.end(state.WATCHDOG)

    def _write(self):
        state.put("watchdog", "%d %d\n" % (self.real_ms, self._feeds))


def _set_timeout(self, ms):
    self._set(_silently(state.settings["port"], ms))


def _silently(port, ms):
    """Return what the port makes of it."""
    if port in _SILENT:
        least, most = _SILENT[port]
        ms = max(least, min(ms, most))
        if port == "mimxrt":
            return ms // 500 * 500
        power = least
        while power * 2 <= ms:
            power *= 2
        return power * 1000 // 1024
    return ms


if state.settings["port"] in _SILENT:
    WDT.timeout_ms = _set_timeout  # it sets one, and tells nothing


def _look():
    for each in _one:
        each.look()


pins.looks.append(_look)
time.when_time_passes(_look)
