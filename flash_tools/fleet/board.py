"""The simulated board of a fleet's device, run in slices: one bounded thing at a time, so that one thread serves many.

It is the process that `python -m ports.sim` is, with another loop around it: the same boots, lines, commands and exit codes.
"""

from collections import deque

from agent.console_user import User
from agent.identity import make_identity
from agent.options import Options
from board.sim_nor import make_layout
from ports.cpython_linux.signature import verify
from ports.sim import process
from ports.sim.device import IDLE
from ports.sim.flash_file import bank_size
from ports.sim.power import Violation
from ports.sim.process import DEFECT, ProcessDevice
from ports.sim.watcher import Quit, Watcher

_NAP_MS = 1000  # a notification ends the rest of a device; its timers are looked at so often


class Inbox:
    """The console of a device whose commands come from a program: see ports/sim/console.py."""

    ended = False

    def __init__(self):
        self._lines = deque()

    def put(self, line):
        """Type a line."""
        self._lines.append(line.split())

    def take(self):
        """Return the next line as a list of words, None where there is none."""
        return self._lines.popleft() if self._lines else None


class Wishes:
    """What the watcher wants to know of the options of a process."""

    within_s, end_with_stdin = 0, False

    def __init__(self, until_idle, request_update):
        self.until_idle, self.request_update = until_idle, request_update


class Board(ProcessDevice):
    """`slice` until `code` is set: then the device has lost its power, or has ended; see docs/simulator.md for the codes."""

    def __init__(self, chip, clock, facts, net, options, settings, say, explain=None):
        self.inbox = Inbox()
        user = User(None if settings.user == "ask" else settings.user == "yes", say)
        wishes = Wishes(settings.until_idle, settings.request_update)
        watcher = Watcher(wishes, self.inbox, user, say, explain or _nobody)
        layout = make_layout(chip.size, bank_size(chip.size))
        super().__init__(chip, clock, layout, make_identity(facts, verify), net, options, watcher, **settings.board)
        watcher.device, self.recovery_ms = self, settings.recovery_s * 1000
        options.ui = user
        chip.ops = chip.faults.cuts = chip.faults.cut_at = 0
        self.code = None
        self._ended, self._wait_ms = None, 0

    @property
    def running(self):
        """Return the number of the bank that runs, None where none does."""
        return self.hardware.boot.running() if self.agent and self._ended is None else None

    def slice(self):
        """Do one bounded thing; return the milliseconds until the next one is wanted."""
        self._wait_ms = 0
        try:
            self._go_on()
        except Quit as e:
            self.server.say("end", e.code)
            self.code = e.code
        except Violation as e:
            self.server.say("defect", e)
            self.code = DEFECT
        return self._wait_ms

    def off(self):
        """Take the power, between two slices."""
        self.net.power_off()
        self.agent = None

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _go_on(self):
        if self._ended is not None:  # said only when the time has come that the boot has taken
            end, self._ended = self._ended, None
            self.code = process.after(self, self.server, end)
        elif self.agent is None:
            self._ended = self.boot()
        else:
            self.watchdog.excuse()
            self._ended = self._guard(self._step)
        if self._ended is not None:
            self.agent, self._wait_ms = None, 0

    def _run_agent(self, firmware):
        """The boot goes on, in slices."""
        self._start_agent()

    def _step(self):
        if self.server.satisfied(self.agent):
            return IDLE
        self._wait_ms = self.agent.step()
        self.watchdog.feed()
        return IDLE if self.server.satisfied(self.agent) else None


def make_options(settings, port):
    """Return the board's constants."""
    return Options(
        name="sim_nor",
        root=settings.root,
        notify_port=port,
        nap_ms=_NAP_MS,
        poll_interval_ms=settings.poll_s * 1000,
        trial_min_ms=int(settings.trial_s * 1000),
        trial_max_ms=int(max(settings.trial_max_s, settings.trial_s + 1) * 1000),
        needs_server=settings.needs_server,
        wbxml=not settings.xml,
        insecure=settings.insecure,
    )


def _nobody(text):
    """Nobody wants to know."""
