"""How near an install comes to what the chip alone would need, on the W25Q128's own times at 24 MHz."""

from agent.job import DOWNLOAD_ONLY
from flash_tools.demo import W25Q128, make_device
from ports.sim import firmware
from ports.sim.device import IDLE
from ports.sim.server import Server

MIB = 1 << 20


class Stopwatch(Server):
    """Takes the time from a package's first byte to the verified bank."""

    def __init__(self, packages, orders, flash):
        super().__init__(packages, orders)
        self._flash = flash
        self.times_us = []
        self._started_us = None

    def mounted(self, device):
        """Stop where the bank is verified, before anything is put."""
        update = device.update
        hold = update._hold_package

        def stop():
            self.times_us.append(self._flash.clock.us - self._started_us)
            hold()

        update._hold_package = stop

    def open(self, url, offset):
        """Start."""
        self._started_us = self._flash.clock.us
        return super().open(url, offset)


def bound_us(size):
    """Return the time of the chip's own work: 64K erases, page programs, the bus, one read-back; all typical."""
    pages = size // 256
    bus = pages * (256 + 4) * 8000000 // W25Q128.hz + read_us(size)
    return size // 65536 * W25Q128.units[2][1] + pages * W25Q128.page_us[0] + bus


def read_us(size):
    """Return the time of reading it once."""
    return size * 8000000 // W25Q128.hz


def measure():
    """Return install, update and reinstall ratios."""
    device = _prepared(firmware.GOOD, "none", b"\x5a")
    install = _run(device)
    device.server.orders += device.server.orders
    reinstall = _run(device)
    pair = _prepared(firmware.GOOD, "deflate", None)
    return {
        "install_1mib_ratio": round(install / bound_us(MIB), 4),
        "install_1mib_s": round(install / 1e6, 3),
        "reinstall_1mib_ratio": round(reinstall / read_us(MIB), 4),
        "update_1mib_ratio": round(_run(pair) / bound_us(MIB), 4),
    }


def _prepared(behaviour, encoding, filler):
    device = make_device(behaviour, MIB, encoding, Stopwatch)
    server = device.server
    server.orders = ((DOWNLOAD_ONLY, server.orders[0][1], "bench", 0),)
    start = {name: at for name, at, _ in device.layout}["bank1"]
    device.flash.load(start, filler * MIB if filler else _older())
    return device


def _older():
    """Return what the spare bank holds in real life: an earlier build, a few changes away from the new one."""
    old = bytearray(firmware.make_image("0.9", firmware.GOOD, MIB, 7))
    for at in range(100000, MIB, 150000):
        old[at : at + 40] = bytes(40)
    return bytes(old)


def _run(device):
    assert device.boot() == IDLE
    return device.server.times_us[-1]
