"""The main program of a MicroPython board, out of the bank that the first stage chose: the agent, the application, the console.

An application is a module `app` in the image. `app.start(service)` may return an object with `step()`, which does one bounded
thing and returns the milliseconds until it wants to run again; `service` is the Service below. Functions in the list
`app.self_tests` have to return True, each once, before new firmware is confirmed. What never returns is ended by the watchdog.
The contract is that of ports/cpython_linux/main.py: docs/application.md.
"""

import gc

from agent.agent import Agent
from agent.compat import const, unload
from agent.errors import AgentError
from agent.identity import Identity
from agent.options import Options
from board import chosen
from hal.lines import Button
from hal.status_led import state_of
from hal.watchdog import Feeder
from ports.micropython.clock import Clock
from ports.micropython.console import Console
from ports.micropython.port import MicroPort, log_to_repl
from ports.micropython.watchdog import Watchdog

_LONGEST_MS = const(1000)
_LINK_MS = const(20000)  # that the agent waits for a network after a start
_LOOK_MS = const(50)
_GARBAGE = const(16384)  # bytes between two collections: what stays is not to lie scattered between what does not
_CAUSES = ("unknown", "power", "commanded", "watchdog")


class Service:
    """One run. Applications may use `agent`, `hardware`, `port`, `log` and `say`."""

    def __init__(self, handover, log):
        self.log = log
        watchdog = Watchdog(chosen.WATCHDOG_MS, handover.get("watchdog"), handover.get("watchdog_ms", 0))
        self.port = port = MicroPort(Clock(), watchdog, log)
        self._feed = Feeder(watchdog, port.clock).feed
        port.cause = handover["cause"] if "cause" in handover else port.take_cause()
        port.version = _version()
        self.hardware = hardware = chosen.build(port)
        if handover.get("layout", hardware.layout) != hardware.layout:
            raise AgentError("this firmware was built for another layout than the board's first stage has")
        if "bank" in handover:
            _mount_anew(hardware.banks[handover["bank"]])
            hardware.boot.run(handover["bank"])
            hardware.boot.remember(handover.get("ran_before", -1))
        port.leave = self._leave
        port.enter_recovery = self._enter_recovery if hardware.uart and hardware.crash_counter.remembers else None
        self._console = Console(hardware.uart, log)
        self.say = self._console.say
        self._button = Button(hardware.button, port.clock) if hardware.button else None
        self._feed()
        self.agent = self._app = self._narrator = self._user = None
        self._begun, self._started = False, port.clock.ms()

    def start(self):
        """Make the agent and the application."""
        from agent import factory

        facts = factory.read(self.hardware.factory)
        if facts is None:
            raise AgentError("this board was never provisioned: use `fumo provision`")
        port, options = self.port, Options(**chosen.OPTIONS)
        self._user = options.ui = self._make_user(options)
        port.net = port.network(facts, chosen.NETWORK, **chosen.OPTIONS.get("network", {}))
        if options.small:
            unload(("factory",))
        self._feed()
        app = _application()
        self._feed()
        self.hardware.self_tests = tuple(self.hardware.self_tests) + tuple(getattr(app, "self_tests", ()))
        self.agent = Agent(self.hardware, port, Identity(facts, _verify), options)
        boot = self.hardware.boot
        kind = "trial" if self.on_trial else "confirmed"
        self.say("boot", 1, "bank", boot.running(), kind, "version", port.version, _CAUSES[port.cause])
        self._narrate()
        self._feed()
        self.agent.start()
        self._feed()
        self._app = app.start(self) if hasattr(app, "start") else None
        if self._narrator:
            self._narrator.begin()
        gc.collect()

    def run(self):
        """Work until something ends it: a restart, an exception, the watchdog."""
        watchdog, port, agent = self.port.watchdog, self.port, self.agent
        files = (self.hardware.uart,) if self.hardware.uart else ()
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
            port.rest(wait_ms, files)

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

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _make_user(self, options):
        """Return who is asked what a server wants to be asked."""
        mood = chosen.OPTIONS.get("user")
        if mood is None:
            return options.ui
        from agent.console_user import User

        return User({"yes": True, "no": False}.get(mood), self.say)

    def _narrate(self):
        try:
            from agent.narrator import Narrator

            self._narrator = Narrator(self.agent, self.say)
        except ImportError:
            pass  # this firmware was built without

    def _ask_for_update(self):
        self.say("button", "taken" if self.agent.request_update() else "refused")

    def _obey(self, words):
        if words[0] in ("yes", "no") and hasattr(self._user, "hear"):
            self._user.hear(words[0] == "yes")
        elif words == ["button"]:
            self._ask_for_update()
        else:
            self.say(self._answer(words) or "error no such command: " + words[0])

    def _answer(self, words):
        try:
            from agent.control import Control
        except ImportError:
            return None  # this firmware was built without
        return Control(self.agent, self._facts).obey(words)

    def _facts(self):
        gc.collect()
        return {
            "cause": _CAUSES[self.port.cause],
            "watchdog_ms": self.port.watchdog.timeout_ms,
            "free": gc.mem_free(),
        }

    def _leave(self):
        if self.hardware.restart:
            self.hardware.restart()  # the firmware runs on something beside this board
        self.say("reset", "commanded")

    def _enter_recovery(self):
        from hal.first_stage import ask_for_recovery

        ask_for_recovery(self.hardware.crash_counter)
        self.port.reboot()


def _mount_anew(bank):
    """The bank is to be read through our own driver: the first stage's does not know that the chip is busy, and takes memory."""
    import vfs

    from ports.micropython.bank_device import MOUNTED, mount

    vfs.umount(MOUNTED)
    mount(bank, chosen.IMAGE_KIND)


def _verify(key, digest, signature):
    """Check a signature; what that takes is in memory only then."""
    from agent.p256 import verify

    return verify(key, digest, signature)


def _version():
    """Return what the image says of itself."""
    try:
        from version import VERSION

        return VERSION
    except ImportError:
        return ""


def _application():
    """Return the module `app` of the image, None where it has none; what that imports must be there."""
    try:
        import app

        return app
    except ImportError as e:
        if "'app'" not in str(e):
            raise
        return None


def start(facts):
    """Run the firmware; `facts` is what the first stage hands over. It does not come back, but by an exception."""
    if chosen.OPTIONS.get("small"):
        gc.threshold(_GARBAGE)
    service = Service(facts, log_to_repl)
    try:
        service.start()
        service.run()
    except Exception as e:
        service.crashed(e)
        raise
