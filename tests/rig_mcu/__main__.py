"""make rig-mcu: the whole update on an emulated Cortex-M3, with power cuts, and the smallest heaps; writes build/mcu.json."""

import argparse
import json
import sys
import time
from pathlib import Path

from flash_tools.errors import ToolError
from flash_tools.rig.mcu.build import build
from tests.counts.figures import merge
from tests.rig_mcu import cuts, heaps, page_loop

JSON = Path("build") / "mcu.json"
_CUTS = 50
# figure, what it is of, the most that it is to be
_HEAPS = (
    ("mcu32_update_heap_kib", ("update", "lfs2"), 72),
    ("mcu32_update_heap_romfs_kib", ("update", "romfs"), 40),
    ("mcu32_idle_heap_kib", ("idle", "lfs2"), 40),
)
_PAGE_MOST = 90000


def main(words=None) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(prog="make rig-mcu")
    parser.add_argument("--cuts", type=int, default=_CUTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("cuts", "heaps", "page"), default=None)
    options = parser.parse_args(words)
    start = time.monotonic()
    try:
        build(say=_say)
        figures = _measure(options)
    except ToolError as e:
        print("rig-mcu: %s" % e, file=sys.stderr)
        return e.exit_code
    figures["seconds"] = round(time.monotonic() - start)
    merge(JSON, {name: value for name, value in figures.items() if name != "violations"} | _count(figures))
    return _tell(figures)


def _measure(options):
    figures = {}
    if options.only in (None, "page"):
        figures["page_loop_instructions"] = page_loop.measure()
        _say("a page costs %d instructions" % figures["page_loop_instructions"])
    if options.only in (None, "cuts"):
        tally = cuts.run(options.cuts, options.seed, say=_say)
        figures |= {"boots": tally.boots, "power_cuts": tally.power_cuts, "violations": tally.violations}
        figures |= {"orders": tally.orders, **{"results_%s" % code: count for code, count in tally.codes.items()}}
    if options.only in (None, "heaps"):
        for name, (what, kind), _ in _HEAPS:
            figures[name] = heaps.smallest(what, kind, tell=_say, guess=_known(name))
        figures["mcu32_stack_kib"] = heaps.smallest_stack("update", "lfs2", tell=_say)
    return figures


def _known(name):
    """Return what the last run found, 0 where there was none."""
    try:
        return int(json.loads(JSON.read_text())[name])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _count(figures):
    return {"violations": len(figures["violations"])} if "violations" in figures else {}


def _tell(figures):
    for trouble in figures.get("violations", ()):
        print("VIOLATION: %s" % trouble)
    aims = {name: most for name, _, most in _HEAPS} | {"page_loop_instructions": _PAGE_MOST}
    missed = ["%s is %d, the aim is at most %d" % (name, figures[name], most) for name, most in aims.items()
              if figures.get(name, 0) > most]  # fmt: skip
    shown = ", ".join("%s %s" % pair for pair in figures.items() if pair[0] != "violations")
    print(
        "rig-mcu: %s, %d violations; %s"
        % (shown, len(figures.get("violations", ())), "; ".join(missed) or "no aim missed")
    )
    return 1 if figures.get("violations") or missed else 0


def _say(text):
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
