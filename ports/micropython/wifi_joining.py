"""Brings the WLAN up, and up again: one bounded thing a step, several networks in turn, with growing pauses, for ever.

What takes longest is switching the radio on, about a second on a Pico W, which loads its firmware then. See wifi.py.
"""

import network

from agent.compat import const
from ports.micropython.wifi import JOINING, LONGEST_MS, PAUSE, UP, WATCH_MS, Wifi

_JOIN_MS = const(20000)  # one network's chance, an address included
_LOOK_MS = const(100)
_STALE_MS = const(8000)  # until then a refusal may be that of an earlier attempt (esp32), or be taken back (rp2)
_PAUSE_MS = const(2000)  # after the first round without success; doubled after each further one
_REVIVE = const(4)  # rounds in vain, after which the radio is switched off and on
_WHY = (
    ("STAT_WRONG_PASSWORD", "its key is wrong"),
    ("STAT_NO_AP_FOUND", "it is not there"),
    ("STAT_CONNECT_FAIL", "it lets nobody in"),
    ("STAT_ASSOC_FAIL", "it lets nobody in"),
    ("STAT_HANDSHAKE_TIMEOUT", "its key is wrong, or the signal is weak"),
)


class Joining(Wifi):
    """The methods of Wifi for a network that is not up."""

    def _step(self):
        if not self._networks:
            self.text = "no network is known: provision the board with `--wifi NAME`"
            return LONGEST_MS
        if self._state == JOINING:
            return self._look()
        if self._state == UP:
            self._say("lost")
        elif self._state == PAUSE and self._clock.since(self._since) < self._pause_ms:
            return min(WATCH_MS, self._pause_ms)
        elif not self._is_on:
            self._switch_on()
        self._join(self._at)
        return _LOOK_MS

    def _switch_on(self):
        """Begin; a radio that is on may have done so in the first stage, or hang since then."""
        for name, value in (("country", self._country), ("hostname", self._hostname)):
            if value and hasattr(network, name):
                getattr(network, name)(value)
        if not self.nic:
            self.nic = network.WLAN(network.STA_IF)
        self.nic.active(True)
        self._is_on = True
        self._set("reconnects", 0)  # an esp32 tries the same network for ever
        if self._power_save:
            self._set("pm", getattr(network.WLAN, "PM_" + self._power_save.upper(), None))

    def _switch_off(self):
        self._is_on = False
        try:
            if self.nic:
                self.nic.active(False)
        except (OSError, RuntimeError):
            pass  # it does not even take that; it is switched on again all the same

    def _set(self, name, value):
        try:
            if value is not None:
                self.nic.config(**{name: value})
        except (OSError, ValueError, TypeError):
            pass  # this port has no such setting

    def _join(self, at):
        self._at, self._state, self._since = at, JOINING, self._clock.ms()
        name, key = self._networks[at]
        self.text = "joining %s" % name
        try:
            self.nic.disconnect()
        except OSError:
            pass  # it was not connected
        if key:
            self.nic.connect(name, key)
        else:
            self.nic.connect(name)

    def _look(self):
        if self.nic.isconnected():
            self._state, self._rounds = UP, 0
            self._say("up, %s" % self.nic.ifconfig()[0])
            return 0
        gone_ms = self._clock.since(self._since)
        why = self._why() if gone_ms >= _STALE_MS else ""
        if gone_ms >= _JOIN_MS:
            why = why or "nothing came of it in %d s" % (_JOIN_MS // 1000)
        if why:
            return self._failed(why)
        return _LOOK_MS

    def _why(self):
        status = self.nic.status()
        for name, text in _WHY:
            if status == getattr(network, name, None):
                return text
        return ""

    def _failed(self, why):
        """Turn to the next network; after the last one rest, longer each time, and now and then revive the radio."""
        self._say(why)
        self._at, self._pause_ms = self._at + 1, 0
        if self._at >= len(self._networks) or not self._is_on:
            self._at, self._rounds = 0, self._rounds + 1
            self._pause_ms = min(_PAUSE_MS << min(self._rounds - 1, 8), LONGEST_MS)
            if self._rounds % _REVIVE == 0:
                self._switch_off()
        self._state, self._since = PAUSE, self._clock.ms()
        return _LOOK_MS

    def _say(self, text):
        """Say it, but not the same again and again."""
        name = self._networks[self._at][0]
        self.text = "%s: %s" % (name, text)
        if self.text != self._said.get(self._at):
            self._said[self._at] = self.text
            self._log("%s %s", self.kind, self.text)
