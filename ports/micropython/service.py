"""What runs on a MicroPython board: see main.py. How it is wired is in service_wiring.py, how it begins in service_start.py."""

from agent.compat import const, loaded, unload
from agent.late import late
from hal.status_led import state_of

_LONGEST_MS = const(1000)
_LINK_MS = const(20000)  # that the agent waits for a network after a start
_LOOK_MS = const(50)


class Service:
    """One run. Applications may use `agent`, `hardware`, `port`, `log` and `say`."""

    def __init__(self, handover, log):
        self.set_up(handover, log)
        if self.small:
            tidy()

    def __getattr__(self, name):
        if name == "set_up":
            from ports.micropython.service_wiring import Wiring as Part
        elif name == "start":
            from ports.micropython.service_start import Start as Part
        else:  # what the owner or a restart wants
            from ports.micropython.service_commands import Commands as Part
        return late(Part, self, name)

    def run(self):
        """Work until something ends it: a restart, an exception, the watchdog."""
        watchdog, port, agent = self.port.watchdog, self.port, self.agent
        files = (self.hardware.uart,) if self.hardware.uart else ()
        try:
            while True:
                wait_ms = agent.step() if self._has_begun() else _LOOK_MS
                if self._narrator:
                    self._narrator.look()
                for words in self._console.take():
                    self._obey(words)
                    self._feed()  # each is answered within its own time, but not all of them
                if hasattr(self._app, "step"):
                    app_ms = self._app.step()
                    wait_ms = wait_ms if app_ms is None else min(wait_ms, app_ms)
                wait_ms = min(wait_ms, self._look_at_lines(), port.net.step(), watchdog.timeout_ms // 4)
                self._feed()
                if self.small and loaded() != self._loaded:
                    tidy()
                    self._loaded = loaded()
                port.rest(wait_ms, files)
        except Exception as e:
            self.crashed(e)
            raise

    def _has_begun(self):
        """Tell whether the agent works: not before there is a network, or its first try is always in vain; but not for ever."""
        if not self._begun:
            clock = self.port.clock
            self._begun = self.port.net.up or clock.since(self._started) > _LINK_MS
        return self._begun

    def crashed(self, error):
        """Say and show it; the watchdog does the rest."""
        self.say("crash", repr(error))
        if self.hardware.led:
            self.hardware.led.show("fault")

    @property
    def on_trial(self):
        """Tell whether the firmware that runs is not the confirmed one."""
        return self.hardware.boot.running() != self.hardware.boot.confirmed()

    def _look_at_lines(self):
        """Return the milliseconds until the LED wants to be switched: its patterns are told apart by their times."""
        if self._button and self._button.step():
            self._ask_for_update()
        led = self.hardware.led
        if not led:
            return _LONGEST_MS
        led.show(state_of(self.agent.record.job.phase, self.hardware.boot.fell_back()))
        return led.step()


def verify(key, digest, signature):
    """Check a signature; what that takes is in memory only then."""
    from agent.p256 import verify as check

    return check(key, digest, signature)


def tidy():
    """Forget what was needed to begin, and what is wanted rarely, if a turn has wanted some of it."""
    unload(
        (
            "board.chosen",
            "hal.boot_record",
            "hal.cotarget_hardware",
            "hal.first_stage",
            "hal.nor_chips",
            "hal.nor_identify",
            "hal.nor_sfdp",
            "hal.nor_wake",
            "hal.region",
            "hal.single_chip",
            "hal.single_layout",
            "hal.spare_bank",
            "ports.micropython.bank_mount",
            "ports.micropython.bring_up",
            "ports.micropython.clock_chip",
            "ports.micropython.console_lines",
            "ports.micropython.net_names",
            "ports.micropython.port_parts",
            "ports.micropython.rom_banks",
            "ports.micropython.service_commands",
            "ports.micropython.service_start",
            "ports.micropython.service_wiring",
            "ports.micropython.system",
            "ports.micropython.tls",
            "ports.micropython.watchdog_kinds",
            "ports.micropython.wired_nic",
        ),
        False,
    )
