"""The worlds that are explored: chips, firmware pairs, packages, and what each update must come to."""

import random
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from agent.job import DOWNLOAD_AND_UPDATE
from board.sim_nor import make_layout
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing.keys import key_id, new_key, public_bytes
from hal.boot_record import BootRecord
from hal.region import layout_hash
from ports.sim import firmware
from ports.sim.clock import Clock
from ports.sim.device import install_firmware
from ports.sim.nor import Geometry, Nor
from ports.sim.server import IN_TRIAL

K = 1024
_SMALL_UNITS = ((4 * K, 64000, 896000),)
GEOMETRIES = {
    # times from the chips' own SFDP tables, microseconds
    "w25q128": Geometry(
        "w25q128",
        16384 * K,
        ((4 * K, 64000, 896000), (32 * K, 128000, 1792000), (64 * K, 160000, 2240000)),
        (704, 4224),
        (32, 3),
    ),
    "mx25r64": Geometry(
        "mx25r64",
        8192 * K,
        ((4 * K, 48000, 384000), (32 * K, 240000, 1920000), (64 * K, 480000, 3840000)),
        (896, 5376),
        (48, 4),
    ),
    "4k-only": Geometry("4k-only", 512 * K, _SMALL_UNITS, (704, 4224), (32, 3)),
    "tiny": Geometry("tiny", 256 * K, _SMALL_UNITS, (704, 4224), (32, 3)),
}
_BANK = {"w25q128": 256 * K, "mx25r64": 256 * K, "4k-only": 96 * K, "tiny": 16 * K}
_IMAGE = {"w25q128": 76 * K + 900, "mx25r64": 76 * K + 900, "4k-only": 20 * K + 900, "tiny": 6 * K}
_TRIAL = {"server_reached": None, "min_ms": 3000, "max_ms": 9000}
PRODUCT, MODEL = "bench", "sim"


@lru_cache
def _keys():
    return new_key(), new_key()


@lru_cache(maxsize=4096)
def verify_signature(key, digest, signature):
    """Verify with `cryptography`, remembered: thousands of boots check the same few manifests."""
    x, y = int.from_bytes(key[:32], "big"), int.from_bytes(key[32:], "big")
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        public.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    except InvalidSignature:
        return False
    return True


def identity():
    """Return what the simulated device trusts and is."""
    public = public_bytes(_keys()[0])
    return SimpleNamespace(product=PRODUCT, model=MODEL, anchors=((key_id(public), public),), verify=verify_signature)


@dataclass
class World:
    """One update to explore, from the first boot with the order waiting to the last result delivered."""

    name: str
    geometry: str
    orders: tuple
    packages: dict
    images: dict  # version -> image
    codes: dict  # correlator -> codes that it may end in
    ends: set  # versions that may run at the end
    good: str = ""  # correlator that must come to 200 while fewer than three cuts hit the trial
    pages: dict = field(default_factory=dict)
    layout: tuple = ()
    confirmed: int = 0
    superseded: tuple = ()
    extra_boots: int = 0  # resets after the end, to let confirmed firmware crash
    causes_readable: bool = True
    old: str = "1"  # what runs where the update comes to nothing
    wrap: int = 0  # the chip answers from here on as if from 0
    bad: tuple = ()  # (sector, operation that silently fails)

    def chip(self, worst=False, blocking=False):
        """Return a chip as the factory made it."""
        chip = Nor(GEOMETRIES[self.geometry], Clock(), worst, blocking)
        chip.pages = dict(self.pages)
        chip.poll_us = 100000
        chip.faults.wrap = self.wrap
        chip.faults.bad = dict(self.bad)
        return chip


def _package(image, version, layout, counter, encoding, old, bad_key=False):
    target = Target(PRODUCT, [MODEL], layout_hash(layout), version, counter)
    return build_package(image, target, _keys()[bad_key], encoding=encoding, old_image=old, built=1700000000)


def _factory(geometry, layout, old_package, old_image, other=None):
    chip = Nor(GEOMETRIES[geometry], Clock())
    if other:
        install_firmware(chip, layout, 1, *other)
    regions = install_firmware(chip, layout, 0, old_package, old_image)
    BootRecord(regions["boot"], 0).confirm()
    return chip.pages


@lru_cache(maxsize=64)
def make_world(geometry: str, encoding: str, kind: str) -> World:
    """Build a world; `kind` is what the new firmware does, or what else happens."""
    layout = make_layout(GEOMETRIES[geometry].size, _BANK[geometry])
    size = _IMAGE[geometry]
    old = firmware.make_image("1", firmware.GOOD, size)
    behaviour = kind if kind in ("crash", "hang", "unfit", "crash-confirmed") else "good"
    new = firmware.make_image("2", behaviour, size + 300) if encoding != "delta" else _edited(old, "2", behaviour)
    old_package = _package(old, "1", layout, 5, "none", None)
    package = _package(new, "2", layout, 7, encoding, old, kind == "unsigned")
    images = {"1": old, "2": new}
    orders = [(DOWNLOAD_AND_UPDATE, "http://bench/a", "a", 0)]
    world = World(
        f"{geometry}/{encoding}/{kind}", geometry, (), {"http://bench/a": package}, images, {"a": {200}}, {"2"}, "a"
    )
    if kind in ("crash", "hang", "unfit"):
        world.codes, world.ends, world.good = {"a": {410}}, {"1"}, ""
    elif kind == "unsigned":
        world.codes, world.ends, world.good = {"a": {404}}, {"1"}, ""
    elif kind in ("supersede", "crash-then-good", "order-in-trial"):
        _second_order(world, orders, layout, old, encoding, kind)
    elif kind == "crash-confirmed":
        world.codes, world.ends, world.good, world.extra_boots = {"a": {200, 410}}, {"1"}, "", 1
    elif kind == "unreadable":
        world.causes_readable = False
    other = None
    if kind == "rot":
        older = firmware.make_image("0", firmware.GOOD, size - 700)
        images["0"] = older
        other = (_package(older, "0", layout, 5, "none", None), older)
        world.old = "0"
    if kind in ("wrap", "bad"):
        world.codes, world.ends, world.good = {"a": {410}}, {"1"}, ""
    world.orders, world.layout = tuple(orders), layout
    world.pages = _factory(geometry, layout, old_package, old, other)
    _harm(world, kind)
    return world


def _harm(world, kind):
    chip = world.chip()
    starts = {name: start for name, start, _ in world.layout}
    if kind == "wrap":
        world.wrap = chip.size // 2
    elif kind == "bad":
        world.bad = ((starts["bank1"] // chip.sector + 1, "program"),)
    elif kind == "rot":
        first = starts["bank0"] // chip.page
        world.pages[first] = bytes([world.pages[first][0] ^ 1]) + world.pages[first][1:]


def _second_order(world, orders, layout, old, encoding, kind):
    third = firmware.make_image("3", firmware.GOOD, len(old) + 100, 77)
    if kind == "crash-then-good":
        world.images["2"] = firmware.make_image("2", firmware.CRASH, len(old) + 300)
        world.packages["http://bench/a"] = _package(world.images["2"], "2", layout, 7, "none", old)
    package = _package(third, "3", layout, 7 if kind == "order-in-trial" else 6, "none", old)
    world.packages["http://bench/b"] = package
    world.images["3"] = third
    at = {"crash-then-good": 0, "order-in-trial": IN_TRIAL}.get(kind, len(world.packages["http://bench/a"]) // 2)
    orders.append((DOWNLOAD_AND_UPDATE, "http://bench/b", "b", at))
    world.ends, world.good = {"3"}, "b"
    world.codes = {"a": {"crash-then-good": {410}, "order-in-trial": {200}}.get(kind, set()), "b": {200}}
    world.superseded = ("a",) if at > 0 else ()


def _edited(old, version, behaviour):
    line = firmware.make_image(version, behaviour, 64)
    new = bytearray(line + old[64:])
    new[5000:5004] = b"EDIT"
    middle = len(new) // 2
    if len(new) > 65536:  # noise, so that there are several blocks
        new[-20000:-8000] = random.Random(1).randbytes(12000)
    return bytes(new[:middle]) + b"inserted code " * 9 + bytes(new[middle:])
