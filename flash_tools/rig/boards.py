"""The boards that are programs: made by their kind. Real ones have a power switch and a serial line instead."""

from flash_tools.errors import UsageError
from flash_tools.rig.sim_board import SimBoard

PROGRAMS = ("sim", "emulated")


def make(kind: str, folder, micropython: bool = False):
    """Return a board that is off, its files in `folder`."""
    if kind == "sim":
        return SimBoard(folder, micropython)
    if kind == "emulated":
        from flash_tools.rig.emulated_board import RigEmulatedBoard  # QEMU is for those who want it

        return RigEmulatedBoard(folder)
    raise UsageError("a board of kind %s is no program: only %s can be started" % (kind, " and ".join(PROGRAMS)))
