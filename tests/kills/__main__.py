"""make kills: kill a server under campaigns again and again, then let its disk be full and flaky; writes build/kills.json.

`--seed N` plays other worlds; `--worlds 1 --seed N` repeats one that failed, as far as two processes can be repeated.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.kills import trial
from tests.kills.shortage import Shortage

_KILLS, _SEED, _WORLDS, _SHOWN = 60, 1, 3, 10
_SHORTAGES, _FLAKY_LIVES, _FLAKY_S = 4, 3, 4
_NOT_SUMS = ("seed", "seconds", "devices")


def main():
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=_KILLS, help="in each world")
    parser.add_argument("--seed", type=int, default=_SEED)
    parser.add_argument("--worlds", type=int, default=_WORLDS)
    parser.add_argument("--disk", action=argparse.BooleanOptionalAction, default=True, help="full and flaky disks, too")
    options = parser.parse_args()
    start = time.monotonic()
    found = Counter(put_off=0)
    violations = []
    for seed in range(options.seed, options.seed + options.worlds):
        _add(found, violations, trial.run(seed, options.kills), seed)
    if options.disk:
        _add_shortages(found, violations, options.seed)
    seconds = round(time.monotonic() - start, 1)
    found = {**found, "worlds": options.worlds, "violations": len(violations), "seconds": seconds}
    return _tell(found, violations)


def _add(found, violations, figures, seed):
    violations += ["seed %d: %s" % (seed, line) for line in figures.pop("violations")]
    found["devices"] = max(found["devices"], figures["devices"])
    found.update({"phase_" + name.replace(" ", "_"): count for name, count in figures.pop("phases").items()})
    found["moments"] = max(found["moments"], len(figures.pop("places")))
    found.update({name: count for name, count in figures.items() if name not in _NOT_SUMS})


def _add_shortages(found, violations, seed):
    for name, arguments in (("run", (_SHORTAGES,)), ("run_flaky", (_FLAKY_LIVES, _FLAKY_S))):
        with tempfile.TemporaryDirectory(prefix="fumo-kills-") as folder:
            world = Shortage(folder, seed, 16, 4)
            getattr(world, name)(*arguments)
            violations += ["%s %d: %s" % (name, seed, line) for line in world.truth.violations]
            found["put_off"] += world.truth.counts["put off"] + world.truth.counts["put off requests"]


def _tell(found, violations):
    for line in violations[:_SHOWN]:
        print(line)
    path = Path("build/kills.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(dict(found), indent=2) + "\n")
    text = (
        "kills: %(kills)d of a server under %(campaigns)d campaigns, %(orders)d orders, %(reports)d reports answered, "
    )
    text += "%(put_off)d put off by a full disk: %(violations)d violations in %(seconds)s s"
    print(text % found)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
