"""Looks on while the simulated device runs: says what happens, a line an event, and obeys what is typed.

docs/simulator.md describes every line and every command.
"""

import json

from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
from ports.sim.power import PowerCut, Reset

CAUSES = ("unknown", "power", "commanded", "watchdog")
EFFECTS = tuple(sorted(set(PROGRAM_EFFECTS + ERASE_EFFECTS)))
UNFINISHED = 7  # exit code
_PROGRESS = 16384


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
        self._wish = settings.request_update
        self.device = self._agent = None
        self._seen = {}
        self._listens = False

    # -- what the device calls ----------------------------------------------------------------------------------------

    def powered(self, device):
        """A boot begins."""
        self._agent, self._listens = None, False
        self._seen = {"session": "closed"}

    def booted(self, device, bank, firmware):
        """A first stage has handed over."""
        trial = bank != device.hardware.boot.confirmed()
        kind, cause = "trial" if trial else "confirmed", CAUSES[device.cause]
        self.say("boot", device.boots, "bank", bank, kind, "version", firmware.version, firmware.behaviour, cause)

    def mounted(self, device):
        """The agent has read its journal."""
        self._agent = device.agent
        self._code = device.agent.record.outbox.code

    def log(self, text):
        """The device said something."""
        self._explain(text)

    def satisfied(self, agent):
        """Say what has changed since the last time; tell whether this is the end."""
        if not self._listens:
            self._listens = True
            self.say("listening", agent.board.notify_port)
        if self._wish:
            self._wish = False
            self._button()
        self._look(agent)
        self.obey()
        return self._settings.until_idle and agent.quiet

    # -- events -------------------------------------------------------------------------------------------------------

    def _look(self, agent):
        record = agent.record
        self._tell("state", agent.update.state)
        self._tell("session", "open" if agent.in_session else "closed")
        progress = record.progress.package_at
        if progress // _PROGRESS != self._seen.get("progress", 0) // _PROGRESS:
            self._seen["progress"] = progress
            if progress:
                self.say("progress", progress)
        if record.outbox.code != self._code:
            if self._code:
                self.say("reported" if 200 <= agent.delivery.code < 300 else "dropped", self._code)
            if record.outbox.code:
                self.say("result", record.outbox.code)
            self._code = record.outbox.code

    def _tell(self, name, value):
        if self._seen.get(name) != value:
            self._seen[name] = value
            self.say(name, value)

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
        words = self._console.take()
        while words is not None:
            if words:
                self._command(words[0], words[1:])
            words = self._console.take()
        if self._console.ended and self._settings.end_with_stdin:
            raise Quit(0)

    def _command(self, name, more):
        known = {"cut": self._cut, "reset": self._reset, "button": self._press, "status": self._status}
        known.update({"yes": self._yes, "no": self._no, "quit": self._quit})
        if name not in known or len(more) > 1:
            self.say("error", "no such command:", name)
        else:
            known[name](*more)

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
