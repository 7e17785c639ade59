"""The module `network` of the fake board: WLAN and LAN, over the real sockets of the host.

settings["wlan"] has the networks in the air, name and key; air.json has the same and may change at any time.
"""

import fake_pins as pins
import fake_state as state
import fake_time as time

STA_IF, AP_IF = 0, 1
_RP2 = {
    "STAT_IDLE": 0, "STAT_CONNECTING": 1, "STAT_GOT_IP": 3,
    "STAT_CONNECT_FAIL": -1, "STAT_NO_AP_FOUND": -2, "STAT_WRONG_PASSWORD": -3,
}  # fmt: skip
_ESP32 = {
    "STAT_IDLE": 1000, "STAT_CONNECTING": 1001, "STAT_GOT_IP": 1010, "STAT_BEACON_TIMEOUT": 200,
    "STAT_NO_AP_FOUND": 201, "STAT_WRONG_PASSWORD": 202, "STAT_ASSOC_FAIL": 203, "STAT_HANDSHAKE_TIMEOUT": 204,
}  # fmt: skip
_STATES = _ESP32 if state.settings["port"] == "esp32" else _RP2
globals().update(_STATES)

air = dict(state.settings["wlan"])
join_ms = 30
cable = True
asked = []  # what was asked of it, for tests


def _in_the_air():
    return state.read_json("air.json", air)


def country(code=None):
    """Set or tell where the board is."""
    asked.append(("country", code))


def hostname(name=None):
    """Set or tell what it calls itself."""
    asked.append(("hostname", name))


class WLAN:
    """The radio."""

    IF_STA, IF_AP = 0, 1
    PM_NONE, PM_PERFORMANCE, PM_POWERSAVE = 0xA11140, 0xA11142, 0xA11140 + 1

    def __init__(self, interface=STA_IF):
        self._on, self._wanted, self._since, self._status = False, None, 0, "STAT_IDLE"
        self._stale = ""  # an esp32 tells why the last attempt failed until one succeeds
        self.settings = {}
        self.broken = ""  # for tests

    def active(self, on=None):
        """Switch it on or off, or tell."""
        self._check()
        if on is None:
            return self._on
        asked.append(("active", on))
        self._on = on
        if not on:
            self._wanted, self._status = None, "STAT_IDLE"
        return None

    def config(self, *names, **values):
        """Set or tell something."""
        for name in values:
            if name not in ("pm", "reconnects", "txpower"):
                raise ValueError("unknown config param")
            self.settings[name] = values[name]
        return self.settings.get(names[0]) if names else None

    def connect(self, ssid=None, key=None, **more):
        """Begin to join."""
        self._check()
        if not self._on:
            raise OSError(1, "the radio is off")
        if self._wanted and state.settings["port"] == "esp32":
            raise OSError(0x3006, "Wifi Internal State Error")
        asked.append(("connect", ssid))
        self._wanted, self._since, self._status = (ssid, key), time.ticks_ms(), "STAT_CONNECTING"

    def disconnect(self):
        """Leave."""
        self._wanted, self._status = None, "STAT_IDLE"

    def isconnected(self):
        """Tell whether there is an address."""
        self._look()
        return self._status == "STAT_GOT_IP"

    def status(self, what=None):
        """Tell how far it is."""
        self._look()
        return _STATES[self._stale if self._status == "STAT_CONNECTING" and self._stale else self._status]

    def ifconfig(self, values=None):
        """Tell the addresses."""
        if not self.isconnected():
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", state.settings["dns"])

    def scan(self):
        """Nobody may wait for that."""
        raise AssertionError("a scan takes seconds")

    def _check(self):
        pins.look()
        if self.broken:
            raise OSError(5, self.broken)

    def _look(self):
        self._check()
        if not self._wanted:
            return
        name, key = self._wanted
        found = _in_the_air()
        if self._status == "STAT_GOT_IP" and name not in found:
            self._status = "STAT_BEACON_TIMEOUT" if "STAT_BEACON_TIMEOUT" in _STATES else "STAT_CONNECT_FAIL"
        if self._status == "STAT_CONNECTING" and time.ticks_diff(time.ticks_ms(), self._since) >= join_ms:
            self._status = "STAT_NO_AP_FOUND" if name not in found else "STAT_WRONG_PASSWORD"
            if name in found and (found[name] or None) == key:
                self._status = "STAT_GOT_IP"
            stays = self._status != "STAT_GOT_IP" and state.settings["port"] == "esp32"
            self._stale = self._status if stays else ""


class LAN:
    """A wired interface; its address comes by itself, as where DHCP begins with `active`."""

    def __init__(self, *wires, **more):
        asked.append(("LAN", tuple(sorted(more))))
        self._on = self._dhcp = False

    def active(self, on=None):
        """Switch it on or off, or tell."""
        if on is not None:
            self._on = on
        return self._on

    def ipconfig(self, *names, **values):
        """Set or tell."""
        self._dhcp = values.get("dhcp4", self._dhcp)

    def isconnected(self):
        """Tell whether there is a cable and an address."""
        pins.look()
        return self._on and self._dhcp and cable

    def ifconfig(self, values=None):
        """Tell the addresses; to ask for one here would wait."""
        assert values != "dhcp", "that waits for ten seconds"
        if not self.isconnected():
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", state.settings["dns"])


WIZNET5K = LAN
