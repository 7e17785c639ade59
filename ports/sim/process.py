"""The simulated device as a process: what it has of the host, and what becomes of each boot."""

import os

from ports.sim.device import CUT, IDLE, RECOVERY, install_firmware
from ports.sim.device_agent import AgentDevice
from ports.sim.flash_file import FileNor, make_file
from ports.sim.power import Violation
from ports.sim.watcher import CAUSES, UNFINISHED, Quit

DONE = 0
DEFECT = 70  # exit codes
POWER_CUT = 75
_SAY_EACH = 16384  # bytes of an upload


class ProcessDevice(AgentDevice):
    """A board whose randomness is the host's; its watcher is told of the hand-over too."""

    recovery_ms = 0

    def random(self, below):
        """Return a number below `below`."""
        return int.from_bytes(os.urandom(4), "little") % below

    def random_bytes(self, size):
        """Return bytes that nobody foresees."""
        return os.urandom(size)

    def _misbehave(self, firmware, bank):
        self.server.booted(self, bank, firmware)
        super()._misbehave(firmware, bank)

    def _recover(self, duration_ms):
        watcher = self.server
        watcher.say("recovery", self.recovery_ms // 1000)
        self._said = -_SAY_EACH
        self.uart = watcher.give_line()
        try:
            return super()._recover(self.recovery_ms)
        finally:
            watcher.take_line()

    def _uploaded(self, received, size):
        if received == size or received // _SAY_EACH != self._said // _SAY_EACH:
            self.server.say("recovery", "upload", received, "of", size)
        self._said = received

    def _recovered(self, asked):
        self.server.say("recovery", "end", "reset" if asked else "timeout")


def run(device, watcher, boots):
    """Boot until the power goes or nothing is left to do; return the exit code."""
    try:
        while not boots or device.boots < boots:
            code = after(device, watcher, device.boot())
            if code is not None:
                return code
    except Quit as e:
        watcher.say("end", e.code)
        return e.code
    except Violation as e:
        watcher.say("defect", e)
        return DEFECT
    watcher.say("end", UNFINISHED)
    return UNFINISHED


def after(device, watcher, end):
    """Say how a boot ended; return the exit code, None where the board boots again."""
    if end == IDLE:
        watcher.say("idle")
        return DONE
    if end == CUT:
        faults = device.flash.faults
        watcher.say("cut", faults.effect if faults.cuts else "between", "at", device.flash.ops)
        return POWER_CUT
    if end != RECOVERY:
        watcher.say("reset", CAUSES[device.reset_to_come])
    return None


def make_flash(path, size, layout, image, package, clock, confirm):
    """Make a flash file with a firmware in it, as a factory does; `confirm(region)` makes it the one that runs."""
    make_file(path, size)
    flash = FileNor(path, clock)
    regions = install_firmware(flash, layout, 0, package, image)
    confirm(regions["boot"])
    flash.file.close()
