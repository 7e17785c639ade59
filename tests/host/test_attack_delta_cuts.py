"""Power cuts inside of a delta's large blocks: each makes up to 256 KiB of image, and begins again after a cut."""

import os
from random import Random
from types import SimpleNamespace

import pytest

from agent.job import DOWNLOAD_AND_UPDATE
from board.sim_nor import make_layout
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing.keys import key_id, new_key, public_bytes
from hal.boot_record import BootRecord
from hal.region import layout_hash
from ports.sim import device as sim
from ports.sim.clock import Clock
from ports.sim.device import install_firmware
from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
from ports.sim.firmware import make_image
from ports.sim.nor import Geometry, Nor
from ports.sim.server import Server
from tests.powercut.worlds import verify_signature

KEY = new_key()
ANCHORS = ((key_id(public_bytes(KEY)), public_bytes(KEY)),)
K = 1024
COUNT = int(os.environ.get("FUMO_DELTAS", "40"))
CHIP = Geometry("delta", 2048 * K, ((4 * K, 48000, 384000), (64 * K, 480000, 3840000)), (896, 5376), (48, 4))
BIG = make_layout(CHIP.size, 640 * K)
EFFECTS = sorted(set(PROGRAM_EFFECTS + ERASE_EFFECTS))


@pytest.mark.parametrize("seed", range(COUNT // 5))
def test_cuts_inside_of_large_blocks(seed):
    """The device makes the image of a delta with blocks of 256 KiB, however often the power goes in the middle of one."""
    random = Random(seed)
    old = bytearray(make_image("1", "good", 600 * K - random.randrange(5000)))
    old[300 * K : 420 * K] = bytes(120 * K)
    new = bytearray(old)
    new[6:7], new[555 * K : 555 * K + 9] = b"2", b"different"
    target = Target("p", ["m"], layout_hash(BIG), "1", 1)
    flash = Nor(CHIP, Clock())
    flash.poll_us = 100000
    regions = install_firmware(flash, BIG, 0, build_package(bytes(old), target, KEY, encoding="deflate"), bytes(old))
    BootRecord(regions["boot"]).confirm()
    target = Target("p", ["m"], layout_hash(BIG), "2", 2)
    package = build_package(bytes(new), target, KEY, encoding="delta", old_image=bytes(old))
    assert len(package) < 4096
    server = Server({"u": package}, ((DOWNLOAD_AND_UPDATE, "u", "c", 0),))
    who = SimpleNamespace(product="p", model="m", anchors=ANCHORS, verify=verify_signature)
    ends, cuts = None, 0
    for boot in range(60):
        if ends != sim.RESET:
            policy = {"server_reached": None, "min_ms": 2000, "max_ms": 6000}
            device = sim.Device(flash, flash.clock, BIG, who, server, 8388, policy)
        if cuts < 3:  # in the trial it is tried again twice
            flash.faults.plan(flash.ops + random.randrange(1, 1500), random.choice(EFFECTS), boot)
        ends = device.boot()
        cuts += ends == sim.CUT
        if ends == sim.IDLE:
            break
    assert ends == sim.IDLE and flash.faults.cuts and device.version == "2"
    assert {code for _, code, _ in server.reports} <= {200}
