"""Brings a wired network up and looks after it: network.LAN, or a WIZnet chip on SPI. The address comes by DHCP."""

from agent.compat import const

_LOOK_MS = const(200)
_WATCH_MS = const(1000)
_PAUSE_MS = const(10000)  # after an error of the driver


class Lan:
    """`make()` returns the interface; it is called again where that fails, because a cable or a supply may come late."""

    kind = "LAN"

    def __init__(self, make, clock, log):
        self._make, self._clock, self._log = make, clock, log
        self.nic, self.up, self.text = None, False, "off"
        self._since, self._failed = 0, False

    def step(self):
        """Do one bounded thing; return the milliseconds until the next one is wanted."""
        if self._failed and self._clock.since(self._since) < _PAUSE_MS:
            return _WATCH_MS
        try:
            self._failed = False
            if not self.nic:
                self._begin()
            return self._look()
        except (OSError, ValueError, RuntimeError) as e:  # what drivers raise differs
            self.nic, self.up, self._failed, self._since = None, False, True, self._clock.ms()
            self._say("the driver says %s" % e)
            return _WATCH_MS

    def _begin(self):
        nic = self._make()
        nic.active(True)
        try:
            nic.ipconfig(dhcp4=True)  # never ifconfig("dhcp"): that waits, for longer than a short watchdog does
        except (AttributeError, OSError, ValueError, TypeError):
            pass  # a port that asks for an address by itself
        self.nic = nic

    def _look(self):
        address = self.nic.ifconfig()[0] if self.nic.isconnected() else "0.0.0.0"
        self.up = address != "0.0.0.0"
        self._say("up, %s" % address if self.up else "no cable, or nobody who gives an address")
        return _WATCH_MS if self.up else _LOOK_MS

    def _say(self, text):
        if text != self.text:
            self.text = text
            self._log("%s %s", self.kind, text)


def maker(more):
    """Return the `make` for the interface that a board file describes."""

    def make():
        from ports.micropython.wired_nic import make_nic

        return make_nic(more)

    return make
