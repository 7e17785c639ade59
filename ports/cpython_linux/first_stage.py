"""The first stage of a Linux board: which bank runs, is its copy in RAM what was signed, and a fresh interpreter for it.

Installed with the system and never updated over the air. The watchdog runs before anything is decided and stays open across
the exec. Hardware that does not answer is asked again for ten minutes; then, as after every other error, the service begins anew.
"""

import json
import os
import signal
import sys
import time

from agent import factory
from agent.errors import AgentError
from agent.identity import make_identity
from agent.journal import Journal
from agent.p256 import verify
from agent.reset import is_normal
from agent.serial_install import SerialInstall
from hal import first_stage, recovery
from hal.eeprom_i2c import BOOTS
from hal.watchdog import Feeder
from ports.cpython_linux import system
from ports.cpython_linux.notify import notify, tell
from ports.cpython_linux.patience import Patience
from ports.cpython_linux.port import LinuxPort, log_to_stderr
from ports.cpython_linux.ram_copy import RamCopies
from ports.cpython_linux.settings import ETC, NoBoard, read

RUN = system.run_folder()
LOCK = "lock"  # a file in it, held from before the choice to the end of the firmware
WRONG = 78  # EX_CONFIG: no board is chosen, the service manager need not try again
WISH = "recovery"  # a file in RUN: the next start is to end in serial recovery
_RECOVERY_S = 600


class Stopped(BaseException):
    """The service manager wants the end of it."""


def _stop(number, frame):
    raise Stopped()


class FirstStage:
    """One start. `run` is the service's folder on the RAM disk; `execute` is os.execv, or what stands in for it."""

    def __init__(self, etc=ETC, run=RUN, log=log_to_stderr, execute=os.execv):
        self._etc, self._run, self._log, self._execute = etc, run, log, execute
        self._patience = Patience(log)
        self._port = self._cause = None

    def start(self):
        """Hand over, or return an exit code."""
        signal.signal(signal.SIGTERM, _stop)
        try:
            self._settings = read(self._etc)
            self._board = self._settings.load_board()
            _make_folder(self._run)
            self._begin()
            return self._choose()
        except NoBoard as e:
            self._patience.say(e)
            return WRONG
        except AgentError as e:
            self._patience.say(e)
            self._keep_cause()
            return 1
        except Stopped:
            notify("STOPPING=1")
            self._keep_cause()
            if self._port:
                self._port.watchdog.close()
            return 0

    def _begin(self):
        """Arm the watchdog, then wait for all that a decision needs."""
        self._port = self._make_port()
        self._feed = Feeder(self._port.watchdog, self._port.clock).feed
        self._patience.feeds(self._port.watchdog, self._feed)
        self._lock = self._patience.lock(os.path.join(self._run, LOCK))
        self._cause, why = system.reset_cause(self._run, keep_folder=system.keep_folder())
        self._log("started: %s", why)
        self._port.cause = self._cause
        self._hardware = self._patience.build(self._board, self._settings.board, self._port)
        self._identity = self._patience.ask(self._identify)
        self._copies = RamCopies(_ram_disk(self._run), self._hardware.banks, self._identity, self._feed)
        self._patience.ask(lambda: self._copies.make_room(self._hardware.boot))

    def _choose(self):
        boot, copies = self._hardware.boot, self._copies
        bank = first_stage.choose(
            boot, self._cause, self._hardware.crash_counter, copies.check, self._wants_recovery(), trusting=False
        )
        self._count_boot()
        if bank < 0:
            return self._recover()
        copies.keep_only(bank)
        return self._hand_over(bank, copies)

    def _count_boot(self):
        counter = self._hardware.crash_counter
        if hasattr(counter, "add"):
            counter.add(BOOTS)

    def _make_port(self):
        from ports.cpython_linux.clock import Clock
        from ports.cpython_linux.watchdog import open_watchdog

        place = {"path": self._settings.watchdog} if self._settings.watchdog else {}
        watchdog = self._patience.ask(lambda: open_watchdog(self._board.WATCHDOG_MS, **place))
        return LinuxPort(Clock(), watchdog, self._log)

    def _identify(self):
        facts = facts_of(self._hardware)
        try:
            return make_identity(facts, verify)
        except (KeyError, ValueError, TypeError, AttributeError) as e:
            raise AgentError("the factory region is wrong (%r): provision the board again" % e) from None

    def _keep_cause(self):
        """What ends before any firmware has run is no crash of it: the next start has the same cause as this one."""
        if self._cause is not None and is_normal(self._cause):
            system.mark_planned(self._run, system.keep_folder())

    # -- what comes next ----------------------------------------------------------------------------------------------

    def _wants_recovery(self):
        try:
            os.unlink(os.path.join(self._run, WISH))
            return True
        except OSError:
            pass
        return bool(self._hardware.button and self._hardware.button())

    def _recover(self):
        """Offer serial recovery for a while, then begin again."""
        hardware, duration_s = self._hardware, self._settings.recovery_s or _RECOVERY_S
        self._log("serial recovery for %d s", duration_s)
        tell("serial recovery", "READY=1")
        if hardware.uart:
            target = SerialInstall(hardware, Journal(hardware.journal), self._identity, self._feed)
            if not target.start(self._cause):
                recovery.run(hardware.uart, self._port.clock, self._feed, target, duration_s * 1000, self._blink)
                target.leave()
        else:
            end = time.monotonic() + duration_s
            while time.monotonic() < end:
                self._feed()
                time.sleep(min(1, self._port.watchdog.timeout_ms / 4000))
        system.mark_planned(self._run)
        return 0

    def _blink(self, _):
        if self._hardware.led:
            self._hardware.led.show("recovery")
            self._hardware.led.step()

    def _hand_over(self, bank, copies):
        boot, watchdog = self._hardware.boot, self._port.watchdog
        facts = {
            "bank": bank, "ran_before": boot.ran_before(), "cause": self._cause, "layout": self._hardware.layout,
            "watchdog": watchdog.fd, "lock": self._lock, "run": self._run, "etc": self._etc,
            "board": self._settings.board, "version": copies.manifests[bank].version,
        }  # fmt: skip
        self._log("bank %d, version %s", bank, facts["version"])
        watchdog.feed()
        tell("bank %d, version %s" % (bank, facts["version"]), "READY=1")
        self._cause = None  # from here on the firmware answers for how it ends
        # heard by the firmware, once it can stop the watchdog
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
        os.set_inheritable(self._lock, True)
        _close_all_but(*(fd for fd in (watchdog.fd, self._lock) if fd is not None))
        words = [sys.executable, "-I", "-B", copies.path(bank), json.dumps(facts)]
        try:
            self._execute(sys.executable, words)
        except OSError as e:
            raise AgentError("cannot start %s: %s" % (sys.executable, e.strerror)) from None
        return 1


def facts_of(hardware):
    """Return what provisioning gave the board."""
    facts = factory.read(hardware.factory)
    if facts is None:
        raise AgentError("this board was never provisioned: use `fumo provision`")
    return facts


def _make_folder(run):
    try:
        os.makedirs(run, 0o700, exist_ok=True)
    except OSError as e:
        raise AgentError("cannot make %s: %s" % (run, e.strerror)) from None


def _ram_disk(run):
    """Return the folder for the copy: a file system of its own where the service has one."""
    own = os.path.join(run, "firmware")
    return own if os.path.isdir(own) else run


def _close_all_but(*kept):
    """What the libraries have opened is not to leak into the firmware."""
    start = 3
    for fd in sorted(kept):
        os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, max(start, 256))


def main(etc=ETC):
    """Start the board's firmware; return an exit code where that could not be."""
    return FirstStage(etc).start()
