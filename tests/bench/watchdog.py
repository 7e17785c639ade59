"""The longest time that the watchdog is left alone in a whole update, with the chips' maximum times."""

from ports.sim.device import IDLE, Device
from ports.sim.server import Server
from tests.powercut.worlds import identity, make_world

_TIMEOUTS_MS = {"rp2040": 8388, "bcm2835": 15000}


def measure():
    """Return the worst share over chips, ports that poll and ports that block, and both timeouts."""
    shares = {}
    for board, timeout_ms in _TIMEOUTS_MS.items():
        for chip in ("w25q128", "mx25r64", "4k-only"):
            for blocking in (False, True):
                name = "watchdog_gap_%s_%s_%s_ms" % (board, chip, "blocking" if blocking else "polled")
                shares[name] = _gap_ms(chip, timeout_ms, blocking)
    worst = max(gap / _TIMEOUTS_MS[name.split("_")[2]] for name, gap in shares.items())
    return {"watchdog_gap_share": round(worst, 4), **shares}


def _gap_ms(chip, timeout_ms, blocking):
    world = make_world(chip, "deflate", "good")
    flash = world.chip(worst=True, blocking=blocking)
    flash.poll_us = 1000
    device = Device(flash, flash.clock, world.layout, identity(), Server(world.packages, world.orders), timeout_ms)
    while device.boot() != IDLE:
        pass
    assert [code for _, code, _ in device.server.reports] == [200]
    return device.longest_gap_ms
