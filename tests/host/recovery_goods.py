"""The packages that come to a device in recovery_chaos.py: most of them good, some for others, broken, too old or badly signed."""

from functools import lru_cache
from random import Random

from flash_tools.signing.keys import key_id, public_bytes
from ports.sim.firmware import CRASH, CRASH_CONFIRMED, GOOD, HANG, UNFIT
from tests.powercut.recovery_world import KEYS, image, package

REVOKED = (key_id(public_bytes(KEYS[2])),)
_K = 1024
_SIZES = (6 * _K, 700, 9 * _K + 100)


@lru_cache(maxsize=4096)
def goods(number):
    """Return package `number` of those that may come, most of them good, with what is wrong with some."""
    random = Random(number)
    version = str(random.randrange(2, 9))
    behaviour = random.choice((GOOD, GOOD, GOOD, GOOD, CRASH, HANG, CRASH_CONFIRMED, UNFIT))
    more = {"revoked": REVOKED if random.random() < 0.2 else ()}
    key = random.choice((0, 0, 0, 0, 2, 2, 1))
    if random.random() < 0.15:
        more["old"] = image(random.choice("01"))
    size = _SIZES[random.randrange(len(_SIZES))] if random.random() < 0.4 else _SIZES[0]
    product = "other" if random.random() < 0.04 else "bench"
    data = bytearray(package(version, random.randrange(3, 11), behaviour, size, key, product, **more))
    flaw = random.random()
    if flaw < 0.06:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif flaw < 0.1:
        data = data[: random.randrange(1, len(data))]
    elif flaw < 0.13:
        data += bytes(random.randrange(1, 300))
    return bytes(data)
