"""make rig-mcu: the whole update on an emulated Cortex-M3, with power cuts, and the smallest heaps; writes build/mcu.json."""

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from flash_tools.errors import ToolError
from flash_tools.rig.mcu.build import build
from tests.counts.callgrind import Missing
from tests.counts.figures import merge
from tests.counts.measure import measure as count_works
from tests.rig_mcu import cuts, heaps, page_loop, tls

JSON = Path("build") / "mcu.json"
_CUTS, _BOARDS = 60, 2  # so many at once
# figure, what it is of, the most that it is to be (0: only measured)
_HEAPS = (
    ("mcu32_update_heap_kib", ("update", "lfs2"), 72),
    ("mcu32_update_heap_romfs_kib", ("update", "romfs"), 40),
    ("mcu32_idle_heap_kib", ("idle", "lfs2"), 40),
    ("mcu32_session_heap_kib", ("session", "lfs2"), 0),
    ("mcu32_update_heap_frozen_kib", ("update", "frozen"), 40),
    ("mcu32_session_heap_frozen_kib", ("session", "frozen"), 0),
    ("mcu32_idle_heap_frozen_kib", ("idle", "frozen"), 40),
)
_STACK, _PAGE_MOST = "mcu32_stack_kib", 90000
_OURS = ("results_", "mcu_cuts_")


def main(words=None) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(prog="make rig-mcu")
    parser.add_argument("--cuts", type=int, default=_CUTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=_PARTS, default=None)
    options = parser.parse_args(words)
    start, figures, violations = time.monotonic(), {}, []
    try:
        build(say=_say)
        for name in (options.only,) if options.only else _PARTS:
            begun = time.monotonic()
            figures |= _PARTS[name](options, violations)
            _say("%s: %d s" % (name, time.monotonic() - begun))
    except ToolError as e:
        print("rig-mcu: %s" % e, file=sys.stderr)
        return e.exit_code
    figures["seconds"] = round(time.monotonic() - start)
    merge(JSON, figures, _OURS if "power_cuts" in figures else ())
    return _tell(figures, violations)


def _measure_pages(options, violations):
    return page_loop.measure()


def _measure_cuts(options, violations):
    tally = cuts.run(options.cuts, options.seed, say=_say)
    violations += tally.violations
    return tally.figures() | {"violations": len(tally.violations)}


def _measure_heaps(options, violations):
    works = {
        name: partial(heaps.smallest, *of, tell=_say, guess=_known(name)) for name, of, _ in _HEAPS
    }  # fmt: skip
    works[_STACK] = partial(heaps.smallest_stack, "update", "lfs2", tell=_say, guess=_known(_STACK))
    with ThreadPoolExecutor(_BOARDS) as pool:
        return dict(zip(works, pool.map(lambda work: work(), works.values()), strict=True))


def _measure_tls(options, violations):
    return tls.measure(_known, _say)


def _measure_counts(options, violations):
    try:
        return count_works()
    except Missing as e:
        _say("counts: %s" % e)
        return {}


_PARTS = {
    "page": _measure_pages,
    "cuts": _measure_cuts,
    "heaps": _measure_heaps,
    "tls": _measure_tls,
    "counts": _measure_counts,
}


def _known(name):
    """Return what the last run found, 0 where there was none."""
    try:
        return json.loads(JSON.read_text())[name]
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _tell(figures, violations):
    for trouble in violations:
        print("VIOLATION: %s" % trouble)
    aims = {name: most for name, _, most in _HEAPS if most} | {"page_loop_instructions": _PAGE_MOST}
    missed = ["%s is %d, the aim is at most %d" % (name, figures[name], most) for name, most in aims.items()
              if figures.get(name, 0) > most]  # fmt: skip
    shown = ", ".join("%s %s" % pair for pair in figures.items() if isinstance(pair[1], int))
    print("rig-mcu: %s; %s" % (shown, "; ".join(missed) or "no aim missed"))
    return 1 if violations or missed else 0


def _say(text):
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
