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
from agent.identity import Identity
from agent.journal import Journal
from agent.p256 import verify
from agent.serial_install import SerialInstall
from hal import first_stage, recovery
from hal.watchdog import Feeder
from ports.cpython_linux import system
from ports.cpython_linux.notify import notify
from ports.cpython_linux.port import LinuxPort, log_to_stderr
from ports.cpython_linux.ram_copy import RamCopies
from ports.cpython_linux.settings import ETC, NoBoard, SettingsError, load_board, read

RUN = "/run/fumo-agent"
WRONG = 78  # EX_CONFIG: no board is chosen, the service manager need not try again
WISH = "recovery"  # a file in RUN: the next start is to end in serial recovery
_PATIENCE_S = 600  # with hardware that does not answer; then the board starts again, which may help
_PAUSE_S = 5
_RECOVERY_S = 600


class Stopped(BaseException):
    """The service manager wants the end of it."""


def _stop(number, frame):
    raise Stopped()


class FirstStage:
    """One start. `execute` is os.execv, or what stands in for it."""

    def __init__(self, etc=ETC, run=RUN, log=log_to_stderr, execute=os.execv):
        self._etc, self._run, self._log, self._execute = etc, run, log, execute
        self._said = self._port = None

    def start(self):
        """Hand over, or return an exit code."""
        signal.signal(signal.SIGTERM, _stop)
        try:
            self._settings = read(self._etc)
            self._board = load_board(self._settings.board)
            os.makedirs(self._run, 0o700, exist_ok=True)
            return self._choose()
        except NoBoard as e:
            self._say(e)
            return WRONG
        except AgentError as e:
            self._say(e)
            return 1
        except Stopped:
            if self._port:
                self._port.watchdog.close()
            return 0

    def _choose(self):
        self._port = self._make_port()
        self._feed = Feeder(self._port.watchdog, self._port.clock).feed
        self._cause, why = system.reset_cause(self._run, keep_folder=keep_folder())
        self._log("started: %s", why)
        self._port.cause = self._cause
        self._hardware = self._patiently(lambda: self._board.build(self._port))
        self._identity = self._patiently(self._identify)
        copies = RamCopies(_ram_disk(self._run), self._hardware.banks, self._identity, self._feed)
        self._patiently(copies.make_room)
        boot = self._hardware.boot
        bank = first_stage.choose(
            boot, self._cause, self._hardware.crash_counter, copies.check, self._wants_recovery(), trusting=False
        )
        if bank < 0:
            return self._recover()
        copies.keep_only(bank)
        return self._hand_over(bank, copies)

    def _make_port(self):
        from ports.cpython_linux.clock import Clock
        from ports.cpython_linux.watchdog import open_watchdog

        place = {"path": self._settings.watchdog} if self._settings.watchdog else {}
        watchdog = self._patiently(lambda: open_watchdog(self._board.WATCHDOG_MS, **place), feeds=False)
        return LinuxPort(Clock(), watchdog, self._log)

    def _identify(self):
        facts = factory.read(self._hardware.factory)
        if facts is None:
            raise AgentError("this board was never provisioned: use `fumo provision`")
        try:
            return Identity(facts, verify)
        except (KeyError, ValueError, TypeError, AttributeError) as e:
            raise AgentError("the factory region is wrong (%r): provision the board again" % e) from None

    def _patiently(self, action, feeds=True):
        """Do it, again and again where the hardware says no; say why once."""
        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return action()
            except SettingsError:
                raise
            except AgentError as e:
                self._say(e)
                if time.monotonic() > end:
                    raise
            if feeds:
                self._feed()
            notify("STATUS=%s" % self._said)
            time.sleep(_PAUSE_S if not feeds else min(_PAUSE_S, self._port.watchdog.timeout_ms / 4000))

    def _say(self, error):
        if str(error) != self._said:
            self._said = str(error)
            self._log("%s", error)

    # -- what comes next ----------------------------------------------------------------------------------------------

    def _wants_recovery(self):
        wish = os.path.join(self._run, WISH)
        if os.path.exists(wish):
            os.unlink(wish)
            return True
        return bool(self._hardware.button and self._hardware.button())

    def _recover(self):
        """Offer serial recovery for a while, then begin again."""
        hardware, duration_s = self._hardware, self._settings.recovery_s or _RECOVERY_S
        self._log("serial recovery for %d s", duration_s)
        notify("READY=1\nSTATUS=serial recovery")
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
            "watchdog": watchdog.fd, "run": self._run, "etc": self._etc, "board": self._settings.board,
            "version": copies.manifests[bank].version,
        }  # fmt: skip
        self._log("bank %d, version %s", bank, facts["version"])
        watchdog.feed()
        notify("READY=1\nSTATUS=bank %d, version %s" % (bank, facts["version"]))
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _close_all_but(watchdog.fd)
        words = [sys.executable, "-I", "-B", copies.path(bank), json.dumps(facts)]
        self._execute(sys.executable, words)
        return 1


def keep_folder():
    """Return the service's folder on a disk, for a mark that outlives a restart of the board; None where it has none."""
    return os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or None


def _ram_disk(run):
    """Return the folder for the copy: a file system of its own where the service has one."""
    own = os.path.join(run, "firmware")
    return own if os.path.isdir(own) else run


def _close_all_but(fd):
    """What the libraries have opened is not to leak into the firmware."""
    os.closerange(3, fd if fd is not None else 256)
    if fd is not None:
        os.closerange(fd + 1, max(fd + 1, 256))


def main(etc=ETC):
    """Start the board's firmware; return an exit code where that could not be."""
    return FirstStage(etc).start()
