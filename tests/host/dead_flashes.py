"""Flashes of simulated devices that lost power at any moment, and what such a device really does at its next start."""

import json
import struct
import zlib
from dataclasses import dataclass

from agent.account_nodes import account_nodes
from agent.factory import MAGIC
from agent.journal import Journal
from agent.record import Record
from agent.update import Update
from flash_tools.dump.snapshot import Image, Rehearsal
from hal.region import carve
from ports.sim.device import CUT, IDLE, Device
from ports.sim.server import Server
from tests.powercut import worlds

ANCHORS = worlds.identity().anchors
SECRET = "correct horse battery staple"
NONCE = bytes(range(100, 116))
_BOOTS = 40


class Peek(Device):
    """A device that starts, decides, and is looked at before it does anything."""

    running = phase = code = attempted = None

    def _misbehave(self, firmware, bank):
        """Do nothing: what the firmware would do comes later."""

    def _run_agent(self, firmware):
        record = Record(Journal(self.hardware.journal))
        update = Update(self.hardware, record, self.identity, self, self.server, self.server.deliver, self.trial_policy)
        update.resume()
        self.running, self.phase, self.code = self.hardware.boot.running(), record.job.phase, record.outbox.code
        self.attempted = record.attempted
        return IDLE

    def _recover(self, duration_ms):
        self.running = None
        return IDLE


@dataclass
class Dead:
    """A flash without power."""

    world: worlds.World
    chip: object

    @property
    def image(self) -> bytes:
        """Return what the cells hold."""
        into = bytearray(self.chip.size)
        self.chip.copy(0, into)
        return bytes(into)

    def start(self) -> Peek:
        """Let the device decide at a start, on the chip itself."""
        device = Peek(self.chip, self.chip.clock, self.world.layout, worlds.identity(), server(self.world))
        device.boot()
        return device


def server(world):
    """Return the scripted peer of a world."""
    return Server(world.packages, world.orders)


def run(name: str, cut_at: int = 0, effect: str = "none", seed: int = 1) -> Dead | None:
    """Run the world, e.g. "tiny/none/good", until the power fails at that operation; None where it ended before."""
    world = worlds.make_world(*name.split("/"))
    chip = world.chip()
    chip.faults.plan(cut_at, effect, seed)
    device = Device(chip, chip.clock, world.layout, worlds.identity(), server(world))
    for _ in range(_BOOTS):
        end = device.boot()
        if end == CUT:
            return Dead(world, chip)
        if end == IDLE:
            return None if cut_at else Dead(world, chip)
    return Dead(world, chip)


def until(name: str, wanted) -> Dead:
    """Return the first flash, cut between two operations, for which `wanted(flash)` holds."""
    for cut_at in range(1, 2000):
        dead = run(name, cut_at)
        if dead is None:
            break
        if wanted(dead):
            return dead
    raise AssertionError("%s never comes to that" % name)


def place(dead, region) -> int:
    """Return where a region begins."""
    return {name: start for name, start, _ in dead.world.layout}[region]


def with_secrets(dead):
    """Return the image with a factory region and settings that are full of secrets."""
    flash = Rehearsal(Image(dead.image))
    regions = carve(flash, dead.world.layout)
    facts = {
        "product": "bench", "model": "sim", "device": {"DevId": "sim:7"}, "device_key": SECRET.encode().hex(),
        "anchors": [[ANCHORS[0][0], ANCHORS[0][1].hex()]], "board": "sim_nor", "layout": dead.world.layout,
        "future": SECRET,
        "accounts": [{
            "name": "acc", "server_id": "srv", "url": "https://u:" + "pass@h/x?token=" + "abc123tok", "user": "me",
            "secret": SECRET, "server_secret": SECRET, "nonce": NONCE.hex(), "server_nonce": NONCE.hex(), "pin": SECRET,
        }],
    }  # fmt: skip
    data = json.dumps(facts).encode()
    half = regions["factory"].size // 2
    for copy in range(2):
        whole = MAGIC + struct.pack("<II", len(data), zlib.crc32(data)) + data
        for at in range(0, len(whole), 256):
            regions["factory"].program(half * copy + at, whole[at : at + 256])
    blob = account_nodes(facts["accounts"])
    Journal(regions["settings"]).put(((1, blob), (3, b"")))
    Journal(regions["journal"]).put(((16, b"\x01\x02" + NONCE), (200, SECRET.encode())))
    return flash.bytes(0, flash.size)
