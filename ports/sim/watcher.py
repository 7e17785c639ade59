"""Looks on while the simulated device runs: says what happens, a line an event, and obeys what is typed.

docs/simulator.md describes every line and every command.
"""

import json

from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
from ports.sim.power import PowerCut, Reset

CAUSES = ("unknown", "power", "commanded", "watchdog")
EFFECTS = tuple(sorted(set(PROGRAM_EFFECTS + ERASE_EFFECTS)))
UNFINISHED = 7  # exit code


class Quit(BaseException):
    """The process is to end, with this exit code."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Watcher:
    """`say(word, ...)` prints an event, `explain(text)` what is for people."""

    def __init__(self, settings, console, user, say, explain):
        self._settings, self._console, self._user = settings, console, user
        self.say, self._explain = say, explain
        self._output = self._line = None
        self._wish = settings.request_update
        self.device = self._agent = None
        self._narrator = None
        self._listens = False
        self._between, self._later = False, []  # commands that wait until the agent is between two of its steps

    # -- what the device calls ----------------------------------------------------------------------------------------

    def powered(self, device):
        """A boot begins."""
        self._agent, self._listens = None, False
        self._between, self._later = False, []

    def booted(self, device, bank, firmware):
        """A first stage has handed over."""
        trial = bank != device.hardware.boot.confirmed()
        kind, cause = "trial" if trial else "confirmed", CAUSES[device.cause]
        self.say("boot", device.boots, "bank", bank, kind, "version", firmware.version, firmware.behaviour, cause)

    def mounted(self, device):
        """The agent has read its journal."""
        self._agent = device.agent
        self._narrator = device.make_narrator(self.say)

    def log(self, text):
        """The device said something."""
        self._explain(text)

    def satisfied(self, agent):
        """Say what has changed since the last time; tell whether this is the end."""
        if not self._listens:
            self._listens = True
            self._narrator.begin()
        if self._wish:
            self._wish = False
            self._button()
        self._narrator.look()
        self._between = True
        self.obey()
        self._between = False
        return self._settings.until_idle and agent.quiet

    # -- the serial line ----------------------------------------------------------------------------------------------

    def attach(self, line, output):
        """Let the console listen to a serial line too, and `output` write to it."""
        self._line, self._output = line, output
        self.take_line()

    def give_line(self):
        """Return the serial line for recovery, which is alone on it; None where there is none."""
        if not self._line:
            return None
        self._output.line = None
        self._console.hand_over(None)
        return _Shared(self._line, self.obey)

    def take_line(self):
        """Recovery has ended: the line carries text again."""
        if self._line:
            self._output.line = self._line
            self._console.hand_over(self._line)

    # -- commands -----------------------------------------------------------------------------------------------------

    def wait(self, most_ms):
        """Wait, and obey."""
        self._console.wait(most_ms)
        self.obey()

    def obey(self):
        """Do what has been typed; end where the time is over."""
        within_s = self._settings.within_s
        if within_s and self.device.clock.ms() > within_s * 1000:
            raise Quit(UNFINISHED)
        words = self._next()
        while words is not None:
            if words:
                self._command(words[0], words[1:])
            words = self._next()
        if self._console.ended and self._settings.end_with_stdin:
            raise Quit(0)

    def _next(self):
        return self._later.pop(0) if self._between and self._later else self._console.take()

    def _must_wait(self, name):
        """Tell whether it may not come inside of a step: it reads or writes what the agent is at, or came behind such a one."""
        if self._between or not self._agent or name in ("cut", "reset"):
            return False
        return len(self._later) > 0 or name not in ("button", "yes", "no", "quit")

    def _command(self, name, more):
        if self._must_wait(name):
            self._later.append([name] + more)
            return
        known = {"cut": self._cut, "reset": self._reset, "button": self._press, "status": self._status}
        known.update({"yes": self._yes, "no": self._no, "quit": self._quit})
        if name in known and len(more) <= (name in ("cut", "reset")):
            known[name](*more)
            return
        answer = self._ask([name] + more) if self._agent else None
        self.say(*([answer] if answer else ["error", "no such command:", name]))

    def _ask(self, words):
        """Have the agent obey; what is typed while the chip works for it waits."""
        self._between = False
        answer = self.device.make_control(self._facts).obey(words)
        self._between = True
        return answer

    def _cut(self, effect=None):
        if effect is None:
            raise PowerCut()
        if effect not in EFFECTS:
            self.say("error", "no such effect:", effect)
        else:
            self.cut_next(effect)

    def cut_next(self, effect):
        """Cut the power inside the next flash operation."""
        faults, nor = self.device.flash.faults, self.device.flash
        faults.plan(nor.ops + 1, effect, self.device.random(0x7FFFFFFF) + 1)

    def _reset(self, cause="commanded"):
        if cause not in CAUSES:
            self.say("error", "no such cause:", cause)
        else:
            raise Reset(CAUSES.index(cause))

    def _press(self):
        if self._agent:
            self._button()
        else:
            self.say("button", "refused")

    def _button(self):
        self.say("button", "taken" if self._agent.request_update() else "refused")

    def _status(self):
        if self._agent:
            self.say(self._ask(["status"]))
        else:
            self.say("status", json.dumps(self._facts()))

    def _facts(self):
        device, agent = self.device, self._agent
        facts = {"boot": device.boots, "cause": CAUSES[device.cause], "operations": device.flash.ops}
        facts["uptime_ms"] = device.clock.ms()
        if agent:
            record, boot = agent.record, device.hardware.boot
            facts.update({"bank": boot.running(), "trial": boot.running() != boot.confirmed()})
            facts.update({"version": device.version, "state": agent.update.state, "session": agent.in_session})
            facts.update({"result": record.outbox.code, "correlator": record.job.correlator, "idle": agent.quiet})
            facts["progress"] = record.progress.package_at
        return facts

    def _yes(self):
        self._user.hear(True)

    def _no(self):
        self._user.hear(False)

    def _quit(self):
        raise Quit(0)


class _Shared:
    """The serial line while recovery has it: whoever asks it for bytes in vain obeys the console meanwhile."""

    def __init__(self, line, obey):
        self._line, self._obey = line, obey
        self.write, self.file = line.write, line.file

    def read_into(self, into):
        """Return the number of bytes read."""
        count = self._line.read_into(into)
        if not count:
            self._obey()
        return count
