"""Many simulated devices in one process: the real agent over real sockets, power that goes at random (docs/simulator.md)."""

from flash_tools.fleet.files import make_many, read_many
from flash_tools.fleet.fleet import Fleet, FleetSettings

__all__ = ["Fleet", "FleetSettings", "make_many", "read_many"]
