"""A campaign over 300 simulated devices on real sockets with TLS, their power cut at random: every one must be accounted for.

The devices are a process of their own, the real agent in each; the server is the one that users run.
"""

import tempfile
import time
from pathlib import Path

from flash_tools.demo.many import ManyDevices
from flash_tools.demo.stage import Stage
from ports.sim import firmware

DEVICES = 300


def measure():
    """Return the figures."""
    with tempfile.TemporaryDirectory() as folder, Stage(Path(folder, "run")) as stage:
        with ManyDevices(stage, DEVICES, firmware.GOOD, "random", on_say=lambda *_: None) as play:
            started = time.monotonic()
            faults = play.play()
            inside, between = play.story.cuts()
        told = [order["device"] for order in stage.orders() if order["success"] is not None]
    for text in faults:
        print("fleet: %s" % text)
    return {
        "server_fleet_devices": DEVICES,
        "server_fleet_unaccounted": DEVICES - len(set(told)),
        "server_fleet_faults": len(faults),
        "server_fleet_cuts": inside + between,
        "server_fleet_s": round(time.monotonic() - started, 1),
    }
