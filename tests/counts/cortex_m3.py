"""The works counted on a real 32-bit MicroPython: the emulated Cortex-M3 of the rig, whose clock goes by instructions."""

import binascii
import io
import tempfile
import tokenize
from pathlib import Path

from flash_tools.rig.mcu.build import FIRMWARE, FOLDER, ready
from flash_tools.rig.mcu.machine import TICK_INSTRUCTIONS, Microcontroller
from flash_tools.rig.mcu.memory import Settings
from tests.counts import packed, works
from tests.counts.callgrind import Missing
from tests.host.test_micropython import ROOT

_HEAP = 128 << 10
_PARTS = {"sha256_1mib": 16, "inflate_1mib": 128}  # a part of the work is done there; this many are all of it
_PREPARE = """
import binascii, deflate, gc, hashlib, io, time
u = binascii.unhexlify
key, sig, dig = u("%s"), u("%s"), hashlib.sha256(b"sample").digest()
packed = u("%s")
into, piece = bytearray(8192), memoryview(bytearray(1024))
def count(work):
    gc.collect()
    a = time.ticks_cpu()
    said = work()
    print(time.ticks_diff(time.ticks_cpu(), a), said)
def sha():
    h = hashlib.sha256()
    for _ in range(64): h.update(piece)
def inflate():
    return deflate.DeflateIO(io.BytesIO(packed), deflate.RAW, 12).readinto(into)
"""


def measure() -> dict:
    """Return {work: instructions}; nothing where the emulated microcontroller was never built."""
    if not ready(FOLDER):
        return {}
    with tempfile.TemporaryDirectory() as place:
        with Microcontroller(Path(place), FOLDER / FIRMWARE, Settings(_HEAP, repl=True), counted=True) as board:
            board.on()
            board.run(_without_comments((ROOT / "agent" / "p256.py").read_text()))
            board.run(_PREPARE % (works.KEY, works.SIGNATURE, binascii.hexlify(_block()).decode()))
            found = {"signature": _count(board, "lambda: verify(key, dig, sig)", "True", 1)}
            found["sha256_1mib"] = _count(board, "sha", "None", _PARTS["sha256_1mib"])
            found["inflate_1mib"] = _count(board, "inflate", "8192", _PARTS["inflate_1mib"])
    return found


def _count(board, work, said, times):
    ticks, answer = board.run("count(%s)" % work, timeout_s=300).split()
    if answer != said:
        raise Missing("on the Cortex-M3 %s gave %s, not %s" % (work, answer, said))
    return int(ticks) * TICK_INSTRUCTIONS * times


def _block():
    """Return the first packed block of the mebibyte."""
    data = packed.blocks()
    return data[2 : 2 + int.from_bytes(data[:2], "little")]


def _without_comments(source):
    """Return the source in fewer bytes: the line is slow."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return tokenize.untokenize((token.type, token.string) for token in tokens if token.type != tokenize.COMMENT)
