"""The main program of a Linux board, out of the bank that the first stage chose: the agent, the application, the console.

An application is a module `app` in the image. `app.start(service)` may return an object with `step()`, which does one bounded
thing and returns the milliseconds until it wants to run again; `service` is the Service below. Functions in the list
`app.self_tests` have to return True, each once, before new firmware is confirmed. What never returns is ended by the watchdog.
"""

import importlib
import json
import os
import signal
import sys
import traceback

from agent.agent import Agent
from agent.console_user import User
from agent.control import Control
from agent.errors import AgentError
from agent.identity import make_identity
from agent.narrator import Narrator
from agent.options import Headless
from agent.p256 import verify
from agent.reset import UNKNOWN
from hal.eeprom_i2c import BOOTS
from hal.lines import Button
from hal.status_led import state_of
from hal.watchdog import Feeder
from ports.cpython_linux import system
from ports.cpython_linux.clock import Clock
from ports.cpython_linux.console import Console
from ports.cpython_linux.first_stage import LOCK, RUN, WISH, facts_of
from ports.cpython_linux.net import Network
from ports.cpython_linux.notify import notify, tell
from ports.cpython_linux.patience import for_native
from ports.cpython_linux.port import LinuxPort, log_to_stderr
from ports.cpython_linux.settings import ETC, load_board, read
from ports.cpython_linux.watchdog import open_watchdog

SOCKET = "console"
_LONGEST_MS = 1000
_CAUSES = ("unknown", "power", "commanded", "watchdog")


class Leave(BaseException):
    """The process is to end: with a restart of the board, of the service, or for good."""

    def __init__(self, restart):
        super().__init__(restart)
        self.restart = restart


BOARD, SERVICE, NOTHING = "board", "service", "nothing"


class Service:
    """One run. Applications may use `agent`, `hardware`, `port`, `log` and `say`."""

    def __init__(self, handover, log=log_to_stderr):
        self._run, self.log = handover.get("run", RUN), log
        self._settings = read(handover.get("etc", ETC))
        name = handover.get("board") or self._settings.board
        self._board = load_board(name)
        place = {"path": self._settings.watchdog} if self._settings.watchdog else {}
        self.port = port = LinuxPort(Clock(), None, log)
        self._patience = patience = for_native(self._board, port)
        wanted_ms, fd = self._board.WATCHDOG_MS, handover.get("watchdog")
        port.watchdog = patience.ask(lambda: open_watchdog(wanted_ms, fd=fd, **place))
        self._feed = Feeder(port.watchdog, port.clock).feed
        patience.feeds(port.watchdog, self._feed)
        held = handover.get("lock")
        self._lock = patience.lock(os.path.join(self._run, LOCK)) if held is None else held
        port.cause, port.version = handover.get("cause", UNKNOWN), _version(self._board)
        port.leave, port.enter_recovery = self._reboot, None
        self.hardware = hardware = patience.build(self._board, name, port)
        if handover.get("layout", hardware.layout) != hardware.layout:
            raise AgentError("this firmware was built for another layout than the board's first stage has")
        if "bank" in handover:
            hardware.boot.run(handover["bank"])
            hardware.boot.remember(handover.get("ran_before", -1))
        self._console = Console(hardware.uart, os.path.join(self._run, SOCKET), log)
        self.say = self._console.say
        self._button = Button(hardware.button, port.clock) if hardware.button else None
        self.agent = self._app = None

    def start(self):
        """Make the agent and the application."""
        facts = self._patience.ask(lambda: facts_of(self.hardware))
        port, options = self.port, self._settings.options(self._board)
        self._user = options.ui = self._make_user(options)
        port.net = _network(facts, self._settings)
        if self.hardware.uart:
            port.enter_recovery = self._enter_recovery
        app = _application()
        self.hardware.self_tests = (*self.hardware.self_tests, *getattr(app, "self_tests", ()))
        self.agent = Agent(self.hardware, port, make_identity(facts, verify), options)
        self._control = Control(self.agent, self._facts)
        boot = self.hardware.boot
        kind = "trial" if self.on_trial else "confirmed"
        self.say("boot", _count(self._run), "bank", boot.running(), kind, "version", port.version, _CAUSES[port.cause])
        self._narrator = Narrator(self.agent, self.say)
        self.agent.start()
        self._app = app.start(self) if hasattr(app, "start") else None
        self._narrator.begin()

    def run(self):
        """Work until something ends it; raises Leave."""
        tell("version %s" % self.port.version, "READY=1")  # once more: a native board had no first stage
        while True:
            wait_ms = self.agent.step()
            self._narrator.look()
            for words, answer in self._console.take():
                self._obey(words, answer)
                self._feed()  # each is answered within its own time, but not all of them
            if hasattr(self._app, "step"):
                app_ms = self._app.step()
                wait_ms = wait_ms if app_ms is None else min(wait_ms, app_ms)
            wait_ms = min(wait_ms, self._look_at_lines(), self.port.watchdog.timeout_ms // 4)
            self._feed()
            self.port.rest(wait_ms, self._console.files)

    def leave(self, restart):
        """End it in order; return the exit code."""
        if restart == BOARD:
            tell("the board restarts")
        else:
            notify("STOPPING=1")
        if restart != NOTHING:
            self.say("reset", "commanded")
        self._console.close()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        on_trial = self.on_trial and not self.hardware.restart  # that of another chip does not end with us
        if restart != NOTHING or not on_trial:  # a trial that its owner ends has failed
            system.mark_planned(self._run, system.keep_folder())
        if restart == BOARD:
            argument = getattr(self.hardware.boot, "reboot_argument", None)
            system.reboot(argument() if argument else None, self._feed, self.log)
        elif restart == NOTHING and not on_trial:
            self.port.watchdog.close()  # in a trial it goes on: a board without its agent is to fall back
        return 0

    @property
    def on_trial(self):
        """Tell whether the firmware that runs is not the confirmed one."""
        return self.hardware.boot.running() != self.hardware.boot.confirmed()

    def crashed(self):
        """A trial that no first stage of ours could end is ended by a restart of the board."""
        if getattr(self.hardware.boot, "native", False) and not self.hardware.restart and self.on_trial:
            try:
                system.reboot()
            except AgentError as e:
                self.log("%s", e)

    def _look_at_lines(self):
        """Return the milliseconds until the LED wants to be switched: its patterns are told apart by their times."""
        if self._button and self._button.step():
            self.say("button", "taken" if self.agent.request_update() else "refused")
        led = self.hardware.led
        if not led:
            return _LONGEST_MS
        led.show(state_of(self.agent.record.job.phase, self.hardware.boot.fell_back()))
        return led.step()

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _make_user(self, options):
        mood = self._settings.user
        return User({"yes": True, "no": False}.get(mood), self._say_question) if mood else Headless()

    def _say_question(self, *words):
        self.say(*words)

    def _obey(self, words, answer):
        if words[0] in ("yes", "no") and hasattr(self._user, "hear"):
            self._user.hear(words[0] == "yes")
        elif words == ["button"]:
            answer("button " + ("taken" if self.agent.request_update() else "refused"))
        else:
            answer(self._control.obey(words) or "error no such command: %s" % words[0])

    def _facts(self):
        port, counter = self.port, self.hardware.crash_counter
        boots = {"boots": counter.total(BOOTS)} if hasattr(counter, "total") else {}
        return {
            "cause": _CAUSES[port.cause],
            "watchdog_ms": port.watchdog.timeout_ms,
            "board": self._board.__name__[6:],
            **boots,
        }

    def _reboot(self):
        if not self.hardware.restart:
            raise Leave(BOARD)
        self.hardware.restart()  # the firmware runs on something beside this board
        raise Leave(SERVICE)

    def _enter_recovery(self):
        with open(os.path.join(self._run, WISH), "w"):
            pass
        raise Leave(SERVICE)


def _version(board):
    """Return what the image says of itself: its module, or the file of an image that is a whole system."""
    path = getattr(board, "VERSION_FILE", "")
    try:
        if path:
            with open(path, encoding="utf-8") as file:
                return file.read().strip()
        return importlib.import_module("version").VERSION
    except (ImportError, AttributeError, OSError, ValueError):
        return ""


def _count(run):
    """Return how often the firmware was started since the board was."""
    path = os.path.join(run, "starts")
    try:
        with open(path, encoding="ascii") as file:
            count = int(file.read()) + 1
    except (OSError, ValueError):
        count = 1
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write("%d" % count)
    except OSError:
        pass
    return count


def _application():
    try:
        return importlib.import_module("app")
    except ModuleNotFoundError as e:
        if e.name != "app":
            raise
        return None


def _network(facts, settings):
    ca = facts["ca_pem"].encode() if facts.get("ca_pem") else None
    client = (settings.client_cert, settings.client_key) if settings.client_cert else None
    return Network(ca, client)


def _stop(number, frame):
    raise Leave(NOTHING)


def _handed_over(words):
    """Return what the first stage says; one that is older says less."""
    try:
        found = json.loads(words[0]) if words else {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise AgentError("what the first stage hands over is no JSON object: start the firmware by `fumo-agent run`")
    return found


def _live(words, made):
    """Make the service, put it into `made`, and run it; return the exit code of an end that is wanted."""
    signal.signal(signal.SIGTERM, _stop)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))  # until there is somebody who can stop the watchdog
    try:
        made.append(Service(_handed_over(words)))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
        made[0].start()
        made[0].run()
    except Leave as e:
        return made[0].leave(e.restart) if made else 0  # while it waited for hardware


def main(words=None):
    """Run; return the exit code. Whatever ends it but a wish is the service manager's to answer: the first stage comes next."""
    made = []
    try:
        return _live(sys.argv[1:] if words is None else words, made)
    except KeyboardInterrupt:
        return 130
    except AgentError as e:
        log_to_stderr("%s", e)
    except Exception:  # a defect of the firmware: the first stage decides what comes next
        traceback.print_exc()
    if made:
        made[0].crashed()
    return 1
