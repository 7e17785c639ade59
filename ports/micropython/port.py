"""The Port of a microcontroller: what board files and the agent are handed. What is wanted rarely is in port_parts.py."""

import os
import sys
import time

from agent.compat import const
from agent.late import late
from agent.reset import UNKNOWN

_LONGEST_MS = const(500)  # of one rest, so that a watchdog is fed
_HURRY_MS = const(10)  # while a connection is open, whose bytes may wait where no poll sees them
_LINE_MS = const(50)  # while somebody may type


class MicroPort:
    """`watchdog` is armed before a board is built; `log` takes a text and its arguments. `platform` as sys.platform.

    `scratch` is the CrashCounter in memory that survives a reset, None where the board has none.
    """

    def __init__(self, clock, watchdog, log, net=None, platform=sys.platform):
        self.clock, self.watchdog, self.log, self.net = clock, watchdog, log, net
        self.cause, self.version = UNKNOWN, ""
        self.leave = self.enter_recovery = None  # `leave`: what reboot calls instead of a reset
        self._platform = platform

    def __getattr__(self, name):
        if name == "scratch":  # looked for once
            from ports.micropython.system import find_scratch

            self.scratch = find_scratch(self._platform, getattr(sys.implementation, "_machine", ""))
            return self.scratch
        from ports.micropython.port_parts import Parts

        return late(Parts, self, name)

    def random(self, below):
        """Return a number below `below`."""
        return int.from_bytes(os.urandom(8), "little") % below

    def random_bytes(self, size):
        """Return bytes that nobody foresees."""
        return os.urandom(size)

    def rest(self, most_ms, files=()):
        """Wait for so long at most; less where a connection may have something, or somebody may type."""
        if self.net and self.net.busy:
            most_ms = min(most_ms, _HURRY_MS)
        elif files:
            most_ms = min(most_ms, _LINE_MS)
        if most_ms > 0:
            time.sleep_ms(min(most_ms, _LONGEST_MS))


def log_to_repl(text, *arguments):
    """Say something where the REPL is."""
    print(" ".join((text % arguments if arguments else text).split("\n")))
