"""Packages for the session tests of FUMO, good ones and such as no device may take, and a key that the device trusts."""

import struct
import zlib

from agent.package import BLOCK_HEAD_SIZE, HEAD_SIZE
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing.keys import key_id, new_key, public_bytes
from hal.region import layout_hash
from ports.sim.firmware import GOOD, make_image
from tests.dm.firmware import LAYOUT

KEY = new_key()
TRUST = [key_id(public_bytes(KEY)), public_bytes(KEY).hex()]
IMAGE = make_image("2", GOOD, 9100, seed=3)


def package(image=IMAGE, key=KEY, encoding="none", *, product="bench", model="sim2", layout=None, counter=7):
    """Build a package."""
    target = Target(product, [model], layout or layout_hash(LAYOUT), "2", counter)
    return build_package(image, target, key, encoding=encoding, built=1700000000)


def manifest_end(data):
    """Return where the first block begins."""
    return HEAD_SIZE + struct.unpack_from("<I", data, 4)[0]


def with_other_image(data):
    """Return the package with a byte of its first block changed by someone who can count CRCs."""
    changed, at = bytearray(data), manifest_end(data)
    size = struct.unpack_from("<H", changed, at + 2)[0]
    changed[at + BLOCK_HEAD_SIZE + 1000] ^= 1
    body = changed[at + BLOCK_HEAD_SIZE : at + BLOCK_HEAD_SIZE + size]
    struct.pack_into("<I", changed, at + 16, zlib.crc32(body, zlib.crc32(changed[at : at + 16])))
    return bytes(changed)


def forged(data):
    """Return the package with a signature that is none."""
    end = manifest_end(data)
    return data[: end - 12] + b"AAAAAAAA" + data[end - 4 :]


PACKAGE = package()
PACKED = package(encoding="deflate")
REFUSED = {  # name: (package, status, whether the bank was touched)
    "not a package": (b"PK\x03\x04 something else" * 40, 415, False),
    "forged": (forged(PACKAGE), 403, False),
    "an unknown key": (package(key=new_key()), 403, False),
    "another product": (package(product="other"), 403, False),
    "another model": (package(model="other"), 403, False),
    "another layout": (package(layout="0" * 16), 403, False),
    "an older counter": (package(counter=6), 403, False),
    "larger than the bank": (package(make_image("2", GOOD, 70000), encoding="deflate"), 420, False),
    "a damaged block": (PACKAGE[:3000] + b"?" + PACKAGE[3001:], 500, True),
    "another digest": (with_other_image(PACKAGE), 500, True),
    "shorter than signed": (PACKAGE[:-1000], 424, True),
    "longer than signed": (PACKAGE + b"more", 424, True),
    "only a manifest": (PACKAGE[: manifest_end(PACKAGE)], 424, False),
}
