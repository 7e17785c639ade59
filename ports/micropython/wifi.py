"""Keeps the WLAN up: one bounded thing a step. Nothing here waits for the radio, and nothing scans: that takes longer than a
short watchdog. How it is joined is in wifi_joining.py, which is in memory only until the network is up.
"""

from agent.compat import const, unload
from agent.late import late

LONGEST_MS = const(60000)
WATCH_MS = const(1000)
OFF, JOINING, UP, PAUSE = const(0), const(1), const(2), const(3)


class Wifi:
    """`networks` is ((name, key), ...), a key "" for an open one; `power_save` is "none", "performance", "powersave" or None,
    which leaves what the port does; `country` as the law wants it, two letters.
    """

    kind = "WLAN"

    def __init__(self, networks, clock, log, power_save=None, country="", hostname="", wlan=None):
        self._networks, self._clock, self._log = networks, clock, log
        self._power_save, self._country, self._hostname = power_save, country, hostname
        self.nic = wlan
        self._state, self._at, self._rounds = OFF, 0, 0
        self._since = self._pause_ms = 0
        self._is_on, self._said = False, {}  # `_said`: of each network
        self.text = "off"  # for people: what it does, or why it does not work

    def __getattr__(self, name):
        from ports.micropython.wifi_joining import Joining

        return late(Joining, self, name)

    @property
    def up(self):
        """Tell whether it had an address when it was looked at."""
        return self._state == UP

    def step(self):
        """Do one bounded thing; return the milliseconds until the next one is wanted."""
        try:
            if self._state == UP and self.nic.isconnected():
                return WATCH_MS
            wait_ms = self._step()
        except (OSError, ValueError, RuntimeError) as e:  # what drivers raise differs
            return self._failed("the radio says %s" % e)
        if self._state == UP:
            unload(("ports.micropython.wifi_joining",))
        return wait_ms
