"""make soak: run seeded worlds, or replay one with a trace; writes build/soak.json."""

import argparse
import json
import sys
import time
from multiprocessing import Pool
from pathlib import Path

from tests.soak.draw import draw
from tests.soak.reached import Reached
from tests.soak.world import World

_SHOWN = 10
_EVERY_S = 5
_CHUNK = 20
_DEFAULT = 10000


def run_seeds(seeds):
    """Run the worlds of some seeds; return what they reached and [(seed, title, violations)]."""
    reached, wrong = Reached(), []
    for seed in seeds:
        plan = draw(seed)
        world = World(plan)
        violations = world.run()
        reached.add(world.seen)
        if violations:
            wrong.append((seed, plan.title, violations))
    return reached, wrong, len(seeds)


def soak(seeds, processes, show):
    """Run all worlds; return (Reached, wrong)."""
    total, wrong, count = Reached(), [], 0
    chunks = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    with Pool(processes) as pool:
        for reached, found, worlds in pool.imap_unordered(run_seeds, chunks):
            total.add(reached)
            wrong += found
            count += worlds
            for seed, title, violations in found:
                print("seed %d (%s): %s\n    make soak SEED=%d" % (seed, title, violations[0], seed), flush=True)
            show(count, total, len(wrong))
    return total, sorted(wrong)


def replay(seed):
    """Run one world with everything that can be told of it."""
    plan = draw(seed)
    print("seed %d: %s" % (seed, plan.title))
    for order in plan.orders:
        print("  %s" % order)
    for name in ("wires", "events", "cuts"):
        for each in getattr(plan, name):
            print("  %s: %s" % (name, each))
    world = World(plan, trace=True)
    try:
        violations = world.run()
    finally:
        print("\n".join(world.said))
    for text in violations:
        print("VIOLATION: " + text)
    print("replayed %d: %d violations" % (seed, len(violations)))
    return 1 if violations else 0


def as_json(worlds, total, wrong, seconds):
    """Return the object of build/soak.json."""
    return {
        "worlds": worlds,
        "updates": total.updates,
        "cuts": total.cuts,
        "violations": len(wrong),
        "updates_per_second": round(total.updates / seconds, 1),
        "seconds": round(seconds, 1),
        "edges_seen": sorted(total.edges),
        "codes_seen": sorted(total.codes),
        "cut_points_seen": sorted(total.cut_points),
        "missing": sum(total.missing().values(), []),
        "violating_seeds": [seed for seed, _, _ in wrong],
    }


class _Progress:
    """A line every few seconds."""

    def __init__(self, worlds):
        self._worlds, self._began = worlds, time.monotonic()
        self._said = self._began

    def __call__(self, count, total, wrong):
        now = time.monotonic()
        if now - self._said >= _EVERY_S or count == self._worlds:
            self._said = now
            rate = total.updates / (now - self._began)
            text = "%d of %d worlds, %d updates, %d cuts, %.0f updates/s, %d violations"
            print(text % (count, self._worlds, total.updates, total.cuts, rate, wrong), flush=True)


def main():
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--worlds", type=int, default=_DEFAULT)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="replay this one")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return replay(arguments.seed)
    began = time.monotonic()
    seeds = range(arguments.first, arguments.first + arguments.worlds)
    total, wrong = soak(seeds, arguments.processes, _Progress(arguments.worlds))
    result = as_json(arguments.worlds, total, wrong, time.monotonic() - began)
    Path("build").mkdir(exist_ok=True)
    Path("build", "soak.json").write_text(json.dumps(result, indent=1) + "\n")
    for seed, _, violations in wrong[:_SHOWN]:
        print("%s\n    make soak SEED=%d" % (violations[0], seed))
    for name, missing in total.missing().items():
        if missing:
            print("%s never seen: %s" % (name, " ".join(missing)))
    text = "soak: %d worlds, %d updates, %d cuts, %d violations, %d missing"
    print(text % (arguments.worlds, total.updates, total.cuts, len(wrong), len(result["missing"])))
    return 1 if wrong or result["missing"] else 0


if __name__ == "__main__":
    sys.exit(main())
