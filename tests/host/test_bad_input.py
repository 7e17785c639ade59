"""Wrong packages, end to end on the simulated device: the right code, the running bank untouched, no erase before its time."""

import json

import pytest

from agent.job import DOWNLOAD_AND_UPDATE
from agent.package import HEAD_SIZE, MAGIC
from board.sim_nor import make_layout
from flash_tools.packages.package_build import Target, build_package, sign_jws
from flash_tools.signing.keys import key_id, new_key, public_bytes
from hal.region import layout_hash
from ports.sim import firmware
from ports.sim.device import IDLE
from tests.powercut import worlds
from tests.powercut.explore import Explorer

_GEOMETRY = "tiny"
_LAYOUT = make_layout(worlds.GEOMETRIES[_GEOMETRY].size, 16384)
_IMAGE = firmware.make_image("2", firmware.GOOD, 9000)
_KEY = worlds._keys()[0]


def _package(image=_IMAGE, key=_KEY, encoding="none", old=None, **changes):
    fields = {
        "product": worlds.PRODUCT,
        "models": [worlds.MODEL],
        "layout": layout_hash(_LAYOUT),
        "version": "2",
        "counter": 7,
    } | changes
    return build_package(image, Target(**fields), key, encoding=encoding, old_image=old, built=1700000000)


def _resigned(package, **changes):
    """Change fields of the manifest and sign it again; None takes one away."""
    size = int.from_bytes(package[4:8], "little")
    reader = json.loads(_payload(package[HEAD_SIZE : HEAD_SIZE + size])) | changes
    return _wrapped(json.dumps(reader).encode(), package[HEAD_SIZE + size :])


def _wrapped(payload, blocks=b""):
    text = sign_jws(payload, _KEY)
    return MAGIC + len(text).to_bytes(4, "little") + text + blocks


def _payload(text):
    import base64

    part = text.split(b".")[1]
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def _broken_block(at):
    package = bytearray(_package())
    package[at] ^= 1
    return bytes(package)


def _overfull():
    """A block that inflates to more than its header says."""
    import struct
    import zlib
    from binascii import crc32

    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    packed = packer.compress(_IMAGE + bytes(500)) + packer.flush()
    head = struct.pack("<BBHIII", 1, 0, len(packed), 0, len(_IMAGE), 0)
    block = head + struct.pack("<I", crc32(packed, crc32(head))) + packed
    package = _package(encoding="deflate")
    payload = json.loads(_payload(package[HEAD_SIZE : HEAD_SIZE + int.from_bytes(package[4:8], "little")]))
    for _ in range(3):
        made = _wrapped(json.dumps(payload).encode(), block)
        payload["package_size"] = len(made)
    return made


OLD = worlds.make_world(_GEOMETRY, "none", "good").images["1"]
CASES = {
    # name: (package, code, erases allowed)
    "not a package": (b"<html>not found</html>" * 50, 402, False),
    "empty manifest": (MAGIC + bytes(4), 402, False),
    "endless manifest": (MAGIC + b"\xff\xff\xff\x7f" + bytes(9000), 402, False),
    "manifest not JSON": (_wrapped(b"{not json"), 402, False),
    "manifest over 2 KiB": (_wrapped(json.dumps({"x": "y" * 2048}).encode()), 402, False),
    "manifest without fields": (_wrapped(b"{}"), 402, False),
    "unknown key": (_package(key=new_key()), 404, False),
    "other product": (_package(product="toaster"), 403, False),
    "other model": (_package(models=["sim9"]), 403, False),
    "other layout": (_package(layout="0123456789abcdef"), 403, False),
    "security counter": (_package(counter=4), 405, False),
    "oversize": (_package(image=bytes(16385)), 502, False),
    "large packed blocks": (_resigned(_package(), packed_max=8192), 402, False),
    "other delta source": (_package(encoding="delta", old=OLD + b"x"), 403, False),
    "damaged block": (_broken_block(-1), 402, True),
    "shorter than announced": (_package()[:-300], 402, True),
    "wrong digest": (_resigned(_package(), sha256="ab" * 32), 402, True),
    "inflates past its size": (_overfull(), 402, True),
}


def test_a_key_that_the_running_firmware_revokes_is_404():
    kid = key_id(public_bytes(_KEY))
    explorer = Explorer(worlds.make_world(_GEOMETRY, "none", "good"))
    explorer._new_device()
    device, oracle = explorer.device, explorer.oracle
    running = build_package(
        OLD, Target(worlds.PRODUCT, [worlds.MODEL], layout_hash(_LAYOUT), "1", 5), _KEY, encoding="none", revoked=[kid]
    )
    device.flash.pages = dict(worlds._factory(_GEOMETRY, _LAYOUT, running, OLD))
    oracle.orders = ((DOWNLOAD_AND_UPDATE, "http://bench/a", "a", 0),)
    assert device.boot() == IDLE
    assert [report[1] for report in oracle.reports] == [404]


@pytest.mark.parametrize("name", CASES)
def test_refused_with_its_code(name):
    package, code, erases = CASES[name]
    explorer = Explorer(worlds.make_world(_GEOMETRY, "none", "good"))
    explorer._new_device()
    device, oracle = explorer.device, explorer.oracle
    oracle.packages = {"http://bench/a": package}
    oracle.orders = ((DOWNLOAD_AND_UPDATE, "http://bench/a", "a", 0),)
    device.flash.wear.clear()
    assert device.boot() == IDLE
    assert [report[1] for report in oracle.reports] == [code]
    banks = [start // 4096 for part, start, _ in _LAYOUT if part in ("bank1", "header1")]
    touched = any(device.flash.wear.get(sector) for sector in banks)
    assert touched == erases
    before = explorer.world.chip()
    start = {part: at for part, at, _ in _LAYOUT}["bank0"] // 256
    assert all(device.flash.pages.get(page) == before.pages.get(page) for page in range(start, start + 64))
    assert device.update.state == 20
