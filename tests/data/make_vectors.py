"""Makes vectors.py: public keys, signatures and small packages by `cryptography`, for tests where that cannot run.

Run it with `python -m tests.data.make_vectors`; the private keys are made on the spot and thrown away.
"""

import hashlib
from pathlib import Path

from board.sim_nor import make_layout
from flash_tools.packages.package_build import Target, build_package, sign_jws
from flash_tools.signing.keys import key_id, new_key, public_bytes
from hal.region import layout_hash
from ports.sim.firmware import CRASH, GOOD, make_image

LAYOUT = layout_hash(make_layout(1 << 20, 65536))  # of the small board of tests/portable


def make_text() -> str:
    """Return the text of vectors.py."""
    key, other = new_key(), new_key()
    public = public_bytes(key)
    old = make_image("1", GOOD, 9000)
    new = bytearray(make_image("2", GOOD, 64) + old[64:] + b"more at the end")
    new[5000:5003] = b"new"
    target = Target("bench", ["sim", "sim2"], LAYOUT, "2", 7)
    crash = make_image("2", CRASH, 9100)
    first = Target("bench", ["sim2"], LAYOUT, "1", 7)
    values = {
        "KID": key_id(public),
        "KEY": public,
        "PAYLOAD": b'{"a": 1}',
        "JWS": sign_jws(b'{"a": 1}', key),
        "FOREIGN_JWS": sign_jws(b'{"a": 1}', other),
        "SOURCE_SHA256": hashlib.sha256(old).digest(),
        "OLD_SIZE": len(old),
        "NEW": bytes(new),
        "OLD_PACKAGE": build_package(old, first, key, built=1700000000),
        "CRASH_PACKAGE": build_package(crash, target, key, built=1700000000),
        "PACKAGES": {
            encoding: build_package(bytes(new), target, key, encoding=encoding, old_image=old, built=1700000000)
            for encoding in ("none", "deflate", "delta")
        },
    }
    lines = [
        '"""Vectors made by make_vectors.py; do not edit. The keys that signed them are gone."""',
        "",
        "import binascii",
        "",
    ]
    for name, value in values.items():
        lines += _lines(name, value)
    return "\n".join(lines) + "\n"


def _lines(name, value):
    if isinstance(value, dict):
        inner = [line for key, item in value.items() for line in [f'    "{key}": {_hex(item)},']]
        return [name + " = {", *inner, "}"]
    return [f"{name} = {_hex(value) if isinstance(value, bytes) else repr(value)}"]


def _hex(data):
    text = data.hex()
    pieces = [text[i : i + 96] for i in range(0, len(text), 96)]
    return "binascii.unhexlify(\n        " + "\n        ".join(f'"{piece}"' for piece in pieces) + "\n    )"


if __name__ == "__main__":
    Path(__file__).with_name("vectors.py").write_text(make_text())
