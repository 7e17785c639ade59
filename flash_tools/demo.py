"""make run: one complete update on the simulated board, cut in the middle, finished after the power came back.

Exit code 0 only if it really went that way: the power was cut during the download, the new firmware runs, the bench was told 200.
"""

import sys
from types import SimpleNamespace

from agent.job import DOWNLOAD_AND_UPDATE
from board.sim_nor import make_layout
from flash_tools.keys import key_id, new_key, public_bytes
from flash_tools.package_build import Target, build_package
from hal.boot_record import BootRecord
from hal.region import layout_hash
from ports.cpython_linux.signature import verify
from ports.sim import firmware
from ports.sim.clock import Clock
from ports.sim.device import CUT, IDLE, Device, install_firmware
from ports.sim.nor import Geometry, Nor
from ports.sim.server import Server

K = 1024
W25Q128 = Geometry(
    "W25Q128",
    16384 * K,
    ((4 * K, 64000, 896000), (32 * K, 128000, 1792000), (64 * K, 160000, 2240000)),
    (704, 4224),
    (32, 3),
)
_URL = "http://bench/firmware.fup"
_CUT_AFTER = 700  # flash operations
_BAR = 40


class Bench(Server):
    """The scripted server, which also says what it sees."""

    def __init__(self, packages, orders, flash):
        super().__init__(packages, orders)
        self._flash = flash
        self._shown = None

    def say(self, text):
        """Print a line of the timeline with the virtual time."""
        print("%9.3f s  %s" % (self._flash.clock.us / 1e6, text))

    def mounted(self, device):
        """A first stage has handed over."""
        boot = device.hardware.boot
        kind = "on trial" if boot.running() != boot.confirmed() else "confirmed"
        self.say("firmware %s runs from bank %d, %s" % (device.version, boot.running(), kind))

    def report(self, job, code):
        """The result has arrived."""
        self.say("the server is told: job %s ended with %d" % (job.correlator, code))
        return super().report(job, code)

    def satisfied(self, update):
        """Show the state and the progress as they change."""
        progress = update.record.progress
        whole = len(self.packages[_URL])
        shown = (update.state, progress.package_at * 8 // whole)
        if shown != self._shown and update.record.job.correlator:
            self._shown = shown
            done = progress.package_at * _BAR // whole
            bar = "[%s%s]" % ("#" * done, "." * (_BAR - done)) if update.state in (30, 40) else ""
            self.say(("State %d %s" % (update.state, bar)).rstrip())
        return super().satisfied(update)


def make_device(behaviour=firmware.GOOD, size=192 * K, encoding="deflate", make_server=Bench, image=None):
    """Return a device with firmware 1.0 whose server offers 2.0, which behaves as told."""
    key = new_key()
    layout = make_layout(W25Q128.size, 1024 * K)
    flash = Nor(W25Q128, Clock())
    old, new = firmware.make_image("1.0", firmware.GOOD, size), image or firmware.make_image("2.0", behaviour, size, 7)
    packages = []
    for version, image in (("1.0", old), ("2.0", new)):
        target = Target("bench", ["sim"], layout_hash(layout), version, 1)
        packages.append(build_package(image, target, key, encoding=encoding))
    BootRecord(install_firmware(flash, layout, 0, packages[0], old)["boot"]).confirm()
    public = public_bytes(key)
    trusted = SimpleNamespace(product="bench", model="sim", anchors=((key_id(public), public),), verify=verify)
    bench = make_server({_URL: packages[1]}, ((DOWNLOAD_AND_UPDATE, _URL, "demo", 0),), flash)
    return Device(flash, flash.clock, layout, trusted, bench)


def main():
    """Run the demonstration; return the exit code."""
    behaviour = sys.argv[1] if len(sys.argv) > 1 else firmware.GOOD
    device = make_device(behaviour)
    bench, flash = device.server, device.flash
    bench.say("power on: a simulated W25Q128 with two banks; version 2.0 (%s) is offered" % behaviour)
    flash.faults.plan(flash.ops + _CUT_AFTER, "prefix", 1)
    ends = []
    while IDLE not in ends and len(ends) < 20:
        ends.append(device.boot())
        bench.say({CUT: "*** the power is cut in the middle of a page ***", IDLE: "idle"}.get(ends[-1], "reset"))
    codes = [report[1] for report in bench.reports]
    wanted = ([200], "2.0") if behaviour == firmware.GOOD else ([410], "1.0")
    refetched = bench.fetched - len(bench.packages[_URL])
    print("power cuts %d, boots %d, bytes fetched again %d" % (ends.count(CUT), device.boots, refetched))
    good = CUT in ends and (codes, device.version) == wanted
    print("%s: firmware %s runs, the server was told %s" % ("done" if good else "FAILED", device.version, codes))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
