"""What the worlds are made of, made once: keys that are the same in every run, images, packages, identities, chips."""

import json
import struct
import zlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from agent.identity import make_identity
from agent.package import BLOCK_HEAD_SIZE, HEAD_SIZE
from board.sim_nor import make_layout
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing.keys import key_id, public_bytes
from hal.boot_record import BootRecord
from hal.region import layout_hash
from ports.sim import firmware
from ports.sim.clock import Clock
from ports.sim.device import install_firmware
from ports.sim.nor import Geometry, Nor

K = 1024
DEVICE_ID = "sim:1"
PRODUCT, MODEL = "bench", "sim"
OLD, NEW, OTHER, OWNERS = "1.0", "2.0", "3.0", "9.0"  # the versions: factory, update, second update, the owner's
COUNTER = 5  # security counter of what the factory installs
BANK = 48 * K
SIZES = {OLD: 20 * K + 900, NEW: 20 * K + 500, OTHER: 17 * K, OWNERS: 19 * K + 12}
GEOMETRY = Geometry("soak", 256 * K, ((4 * K, 45000, 400000), (32 * K, 120000, 1600000)), (700, 3000), (30, 3))
LAYOUT = make_layout(GEOMETRY.size, BANK)
DEVICE = {
    "DevId": DEVICE_ID, "Man": "m", "Mod": "sim", "DmV": "1", "Lang": "en", "DevTyp": "board", "OEM": "o", "SwV": "1",
    "HwV": "1",
}  # fmt: skip
AUTH = {"md5": "DIGEST", "MAC": "HMAC"}
_BUILT = 1700000000


class Key:
    """A private key that is the same in every run, and signs the same way."""

    def __init__(self, number):
        self._key = ec.derive_private_key(number, ec.SECP256R1())

    def public_key(self):
        """Return the public half."""
        return self._key.public_key()

    def sign(self, data, algorithm):
        """Sign without a random number."""
        return self._key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


TRUSTED, FOREIGN = Key(0x5EED), Key(0xBAD)


@lru_cache(maxsize=4096)
def verify(key, digest, signature):
    """Verify, and remember: thousands of boots look at the same few manifests."""
    x, y, r, s = (int.from_bytes(part, "big") for part in (key[:32], key[32:], signature[:32], signature[32:]))
    try:
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        public.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=256)
def image(version, behaviour=firmware.GOOD, size=0):
    """Return an image."""
    made = firmware.make_image(version, behaviour, size or SIZES[version], ord(version[0]))
    if version == NEW:  # like the old one in places, so that a delta is worth its name
        old = image(OLD)
        made = made[:64] + old[64 : 9 * K] + made[9 * K :]
    return made


@lru_cache(maxsize=256)
def package(version, behaviour=firmware.GOOD, encoding="deflate", flaw="", size=0):
    """Return a package; `flaw` says what is wrong with it, see FLAWS."""
    counter = COUNTER - 1 if flaw == "counter" else COUNTER + 1 if version != OLD else COUNTER
    product = "sofa" if flaw == "product" else PRODUCT
    model = "tractor" if flaw == "model" else MODEL
    size = BANK + 4 * K if flaw == "image-size" else size
    source = image(OTHER) if flaw == "source" else image(OLD)
    target = Target(product, [model], layout_hash(LAYOUT), version, counter)
    made = image(version, behaviour, size)
    encoding = FLAWED_ENCODINGS.get(flaw, encoding)
    key = FOREIGN if flaw == "key" else TRUSTED
    data = build_package(made, target, key, encoding=encoding, old_image=source, built=_BUILT)
    return _harmed(data, flaw)


FLAWED_ENCODINGS = {"source": "delta", "image-size": "deflate", "digest": "none", "block": "deflate"}
PUSHED = {  # flaw -> the Status of PkgData
    "counter": 403, "product": 403, "model": 403, "source": 403, "image-size": 420, "key": 403, "signature": 403,
    "truncated": 424, "longer": 424, "block": 500, "crc": 500, "digest": 500, "magic": 415,
}  # fmt: skip
FLAWS = {  # flaw -> what it comes to
    "counter": 405, "product": 403, "model": 403, "source": 403, "image-size": 502, "key": 404, "signature": 404,
    "truncated": 402, "longer": 200, "block": 402, "crc": 402, "digest": 402, "magic": 405,
}  # fmt: skip


def _harmed(data, flaw):
    text = int.from_bytes(data[4:8], "little")
    start = HEAD_SIZE + text
    if flaw == "signature":
        return data[: start - 10] + bytes([data[start - 10] ^ 1]) + data[start - 9 :]
    if flaw == "truncated":
        return data[: len(data) * 2 // 3]
    if flaw == "longer":
        return data + b"more"
    if flaw == "crc":
        return data[: start + 300] + bytes([data[start + 300] ^ 0x40]) + data[start + 301 :]
    if flaw in ("block", "digest"):
        return data[:start] + _forged(data[start:])
    return b"GIF8" + data[4:] if flaw == "magic" else data


def _forged(blocks):
    """Change the first block so that its CRC holds: the image is another one then, or the block does not unpack."""
    packed = struct.unpack_from("<H", blocks, 2)[0]
    end = BLOCK_HEAD_SIZE + packed
    body = bytearray(blocks[BLOCK_HEAD_SIZE:end])
    body[packed // 2] ^= 0x15
    crc = zlib.crc32(body, zlib.crc32(blocks[: BLOCK_HEAD_SIZE - 4]))
    return blocks[: BLOCK_HEAD_SIZE - 4] + struct.pack("<I", crc) + bytes(body) + blocks[end:]


@lru_cache(maxsize=16)
def identity(auth, url, other_url=""):
    """Return what the device is provisioned with; the second account is there where it has a URL."""
    public = public_bytes(TRUSTED)
    accounts = [_account("bench", auth, url)] + ([_account("other", auth, other_url)] if other_url else [])
    facts = {
        "product": PRODUCT, "model": MODEL, "device": DEVICE, "device_key": b"k".hex() * 16,
        "anchors": [[key_id(public), public.hex()]], "accounts": accounts,
    }  # fmt: skip
    return make_identity(facts, verify)


def _account(name, auth, url):
    return {
        "name": name, "server_id": name, "url": url, "auth": AUTH[auth], "server_auth": AUTH[auth], "user": "u",
        "secret": "s", "nonce": b"nonce-c".hex(), "server_user": name, "server_secret": "t",
        "server_nonce": b"nonce-s".hex(),
    }  # fmt: skip


@lru_cache(maxsize=1)
def _factory():
    chip = Nor(GEOMETRY, Clock())
    regions = install_firmware(chip, LAYOUT, 0, package(OLD, encoding="none"), image(OLD))
    BootRecord(regions["boot"], 0).confirm()
    return chip.pages


def chip(clock):
    """Return a chip as it leaves the factory."""
    flash = Nor(GEOMETRY, clock)
    flash.pages = dict(_factory())
    flash.poll_us = 100000
    return flash


def descriptor(url, size, notify="", flaw=""):
    """Return a download descriptor; `flaw` says what is wrong with it, see DESCRIPTOR_FLAWS."""
    version = "2.0" if flaw == "version" else "1.0"
    kind = "image/gif" if flaw == "type" else "application/vnd.fumo-agent.package"
    size = {"size": 9999999, "long": size + 7, "short": size - 7}.get(flaw, size)
    url = {"scheme": "ftp://cdn/p", "https": url.replace("https", "http", 1)}.get(flaw, url)
    end = "<bad" if flaw == "ill-formed" else ""
    notify = "<installNotifyURI>%s</installNotifyURI>" % notify if notify else ""
    text = '<media xmlns="http://www.openmobilealliance.org/xmlns/dd"><DDVersion>%s</DDVersion>%s'
    text += "<type>%s</type><size>%d</size><objectURI>%s</objectURI>%s</media>"
    return (text % (version, notify, kind, size, url, end)).encode()


def readable(value):
    """Return a value as one line for people."""
    return json.dumps(value, default=str, separators=(",", ":"))
