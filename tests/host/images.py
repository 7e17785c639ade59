"""What the tests of images share: a tree of modules, an ESP image made by hand, MicroPython."""

import hashlib
import struct
from functools import reduce
from operator import xor

MODULES = {
    "main.py": b"import lib.answer\nprint('runs', lib.answer.VALUE)\n",
    "lib/__init__.py": b"",
    "lib/answer.py": b"VALUE = 42\n",
    "lib/deep/er/table.py": b"TABLE = (%s)\n" % b", ".join(b"%d" % (n * 7919 % 65537) for n in range(4000)),
    "data/blob.bin": bytes(range(256)) * 75,
    "data/tiny.txt": b"x",
    "data/inline.txt": b"i" * 120,
    "data/longer.txt": bytes(range(97, 122)) * 16,
    "data/empty.txt": b"",
}


def make_tree(folder, files=None):
    """Write the modules into a folder; return it."""
    for path, content in (files or MODULES).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def esp_image(version=b"v2.3", chip=9, segments=None, digest=True):
    """Return an ESP image as esptool's elf2image makes it."""
    if segments is None:
        text = [part.ljust(32, b"\0") for part in (version, b"blinky")]
        app = struct.pack("<II8s32s32s16s16s32s32s", 0xABCD5432, 1, b"", *text, b"12:00", b"Jan 1", b"v5.2", b"")
        segments = [(0x3C000020, app + b"rodata"), (0x40374000, bytes(range(200)))]
    out = struct.pack(
        "<BBBBIB3sHBHH4sB", 0xE9, len(segments), 2, 0x2F, 0x40375000, 0xEE, b"", chip, 0, 0, 99, b"", digest
    )
    for address, data in segments:
        out += struct.pack("<II", address, len(data)) + data
    out += bytes(15 - len(out) % 16) + bytes((reduce(xor, b"".join(data for _, data in segments), 0xEF),))
    return out + (hashlib.sha256(out).digest() if digest else b"")
