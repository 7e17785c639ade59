"""Many simulated devices in one process, each with the real agent on real sockets; one thread runs them all.

    with Fleet("build/fleet", [server.add_device("dev-%d" % n) for n in range(100)], cuts="random") as fleet:
        fleet.start(print)                  # index, line
        fleet.devices[7].wait_for("reported")

Why one thread: see docs/simulator.md, "A fleet". A device of it is what `python -m ports.sim` is, without a process of its own.
"""

import threading
import time
from dataclasses import dataclass

from flash_tools.errors import ToolError
from flash_tools.fleet.chip import Chips
from flash_tools.fleet.cuts import Cuts
from flash_tools.fleet.device import FleetDevice
from flash_tools.fleet.files import make_many, read_many
from flash_tools.fleet.loop import Loop
from flash_tools.fleet.net import SharedNetwork

CUTS = ("none", "random")


@dataclass(frozen=True)
class FleetSettings:
    """What all devices of a fleet have in common; the options of `python -m ports.sim` with these names say what they are."""

    trial_s: float = 1
    trial_max_s: float = 600
    poll_s: int = 86400
    needs_server: bool = False
    speed: float = 0
    root: str = "./FUMO"
    xml: bool = False
    insecure: bool = False
    user: str = "yes"
    until_idle: bool = False
    request_update: bool = False
    watchdog_ms: int = 8388
    recovery_s: int = 600
    notify_base: int = 0  # device N hears notifications at this UDP port + N; 0: any that is free
    in_memory: bool = True  # flash is lost with the Fleet
    cuts: str = "none"
    cuts_each: int = 3
    seed: int = 1

    def __post_init__(self):
        if self.cuts not in CUTS:
            raise ToolError("cuts are one of %s, not %s" % (", ".join(CUTS), self.cuts))
        if self.notify_base and not 0 < self.notify_base < 65536:
            raise ToolError("a UDP port is at most 65535")

    @property
    def board(self) -> dict:
        """Return what the simulated board is told."""
        return {"watchdog_ms": self.watchdog_ms}


class Fleet:
    """`bundles` are accounts of a server, one a device: files are made for them; None takes the devices that `folder` has.

    `make` is a dict for make_many (version, size, key ...), the other words are those of FleetSettings.
    """

    def __init__(self, folder, bundles: list[dict] | None = None, *, make: dict | None = None, **settings):
        self.settings = FleetSettings(**settings)
        self.files = read_many(folder) if bundles is None else make_many(folder, bundles, **(make or {}))
        self.loop = Loop()
        self.cuts = Cuts(self.loop, self.settings.seed, self.settings.cuts_each)
        self._on_line, self._ended = None, threading.Condition()
        self.devices = self._make_devices()

    def _make_devices(self):
        settings, shared = self.settings, {}
        chips = Chips(settings.in_memory, settings.speed)
        random = settings.cuts == "random"
        made = []
        for index, files in enumerate(self.files):
            authority = files.facts().get("ca_pem")
            network = shared.setdefault(authority, SharedNetwork((authority.encode(),) if authority else None))
            device = FleetDevice(index, files, self.loop, chips, network, settings, self._heard)
            device.on_start, device.on_end = self.cuts.started if random else None, self._end
            made.append(device)
        return made

    def start(self, on_line=None, on: bool = True) -> "Fleet":
        """Begin, and give everybody power unless `on` says otherwise; `on_line(index, line)` is called by the fleet's thread."""
        self._on_line = on_line
        self.loop.start()
        if on:
            self.loop.call(self._all_on)
        return self

    def stop(self) -> None:
        """Take everybody's power and end."""
        self.loop.call(self._close)
        self.loop.stop()

    def wait(self, timeout_s: float) -> bool:
        """Wait until nobody has power any more, nor gets it back; tell whether it came to that."""
        deadline = time.monotonic() + timeout_s
        with self._ended:
            return self._ended.wait_for(self._all_ended, max(deadline - time.monotonic(), 0))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _heard(self, index, line):
        if self._on_line:
            self._on_line(index, line)

    def _all_on(self):
        for device in self.devices:
            device.on()

    def _close(self):
        for device in self.devices:
            device.close()

    def _end(self, device):
        if self.settings.cuts == "random":
            self.cuts.ended(device)
        with self._ended:
            self._ended.notify_all()

    def _all_ended(self):
        return not any(device.runs or device.returns for device in self.devices)
