"""How a MicroPython board is wired for its service: in memory only then, with what finds out what there is. See service.py."""

import gc

from agent.compat import const
from agent.errors import AgentError
from agent.late import later
from hal.lines import Button
from hal.watchdog import Feeder
from ports.micropython.clock import Clock
from ports.micropython.console import Console
from ports.micropython.port import MicroPort
from ports.micropython.service import Service
from ports.micropython.watchdog import Watchdog

_GARBAGE = const(16384)  # bytes between two collections: what stays is not to lie scattered between what does not


class Wiring(Service):
    """The method of Service that it is made by."""

    def set_up(self, handover, log):
        """Wire the board."""
        from board import chosen

        self.small = chosen.OPTIONS.get("small", False)
        if self.small:
            gc.threshold(_GARBAGE)
        self.log, self._loaded = log, 0
        watchdog = Watchdog(chosen.WATCHDOG_MS, handover.get("watchdog"), handover.get("watchdog_ms", 0))
        self.port = port = MicroPort(Clock(), watchdog, log)
        self._feed = Feeder(watchdog, port.clock).feed
        port.cause = handover["cause"] if "cause" in handover else port.take_cause()
        port.version = _version()
        self.hardware = hardware = chosen.build(port)
        if handover.get("layout", hardware.layout) != hardware.layout:
            raise AgentError("this firmware was built for another layout than the board's first stage has")
        if "bank" in handover:
            _mount_anew(hardware.banks[handover["bank"]], chosen.IMAGE_KIND)
            hardware.boot.run(handover["bank"])
            hardware.boot.remember(handover.get("ran_before", -1))
        port.leave = later(self, "_leave")
        remembers = hardware.uart and hardware.crash_counter.remembers
        port.enter_recovery = later(self, "_enter_recovery") if remembers else None
        self._console = Console(hardware.uart, log)
        self.say = self._console.say
        self._button = Button(hardware.button, port.clock) if hardware.button else None
        self._feed()
        self.agent = self._app = self._narrator = self._user = None
        self._begun, self._started = False, port.clock.ms()


def _mount_anew(bank, kind):
    """The bank is to be read through our own driver: the first stage's does not know that the chip is busy, and takes memory."""
    import vfs

    from ports.micropython.bank_mount import MOUNTED, mount

    vfs.umount(MOUNTED)
    mount(bank, kind)


def _version():
    """Return what the image says of itself."""
    try:
        from version import VERSION

        return VERSION
    except ImportError:
        return ""
