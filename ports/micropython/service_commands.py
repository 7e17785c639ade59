"""What the owner or a restart wants of the service of a MicroPython board: in memory only then. See service.py."""

import gc

from ports.micropython.service import Service

CAUSES = ("unknown", "power", "commanded", "watchdog")


class Commands(Service):
    """The methods of Service that are wanted rarely."""

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
            "cause": CAUSES[self.port.cause],
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
