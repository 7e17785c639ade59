"""The device that is measured in virtual time: firmware 1.0 on a W25Q128 with two banks, and a package of 2.0."""

from types import SimpleNamespace

from agent.job import DOWNLOAD_AND_UPDATE
from board.sim_nor import make_layout
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing.keys import key_id, new_key, public_bytes
from hal.boot_record import BootRecord
from hal.region import layout_hash
from ports.cpython_linux.signature import verify
from ports.sim import firmware
from ports.sim.clock import Clock
from ports.sim.device import Device, install_firmware
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


def make_device(behaviour=firmware.GOOD, size=192 * K, encoding="deflate", make_server=Server, image=None):
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
