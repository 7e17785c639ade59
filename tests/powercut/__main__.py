"""make powercut: explore everything, or replay one schedule by its id; writes build/powercut.json."""

import argparse
import json
import sys
import time
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

from tests.powercut import schedules

_SHOWN = 10
_PHASES = ("order", "download", "verify", "arm", "trial", "confirm", "revert", "fallback", "report", "supersede")


class Total:
    """The sum of what the workers found."""

    def __init__(self):
        self.schedules = self.checks = self.ended_new_200 = 0
        self.by_phase, self.by_effect = Counter(), Counter()
        self.violations = []

    def add(self, found):
        """Take one worker's summary."""
        self.schedules += found["schedules"]
        self.checks += found["checks"]
        self.ended_new_200 += found["ended_new_200"]
        self.by_phase.update(found["by_phase"])
        self.by_effect.update(found["by_effect"])
        self.violations += found["violations"]

    def as_json(self, seconds):
        """Return the flat object of build/powercut.json."""
        return {
            "schedules": self.schedules,
            "checks": self.checks,
            "violations": len(self.violations),
            "by_phase": dict(self.by_phase),
            "by_effect": dict(self.by_effect),
            "ended_new_200": self.ended_new_200,
            "seconds": round(seconds, 1),
        }


def explore(work, processes, show):
    """Run all tasks; return the total."""
    total = Total()
    with Pool(processes) as pool:
        for number, found in enumerate(pool.imap_unordered(_run, work), 1):
            total.add(found)
            show(number, len(work), total)
    return total


def _run(task):
    function, arguments = task
    return function(*arguments)


def _show(number, of, total):
    if sys.stderr.isatty() or number % 20 == 0 or number == of:
        end = "\r" if sys.stderr.isatty() and number < of else "\n"
        text = "%d of %d tasks, %d schedules, %d violations" % (number, of, total.schedules, len(total.violations))
        print(text, end=end, file=sys.stderr, flush=True)


def _replay(schedule_id):
    explorer = schedules.replay(schedule_id)
    for path, text in explorer.violations:
        print("%s: %s" % (schedules.path_id(path), text))
    print("replayed %s: %d violations" % (schedule_id, len(explorer.violations)))
    return 1 if explorer.violations else 0


def main():
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="powercut", description=__doc__)
    parser.add_argument("--id", help="replay this one schedule")
    parser.add_argument("--sample", action="store_true", help="a selection of a minute")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--random", type=int, default=400, help="random schedules a world")
    arguments = parser.parse_args()
    if arguments.id:
        return _replay(arguments.id)
    started = time.monotonic()
    work = schedules.tasks(arguments.sample, arguments.random)
    total = explore(work, arguments.processes, _show)
    result = total.as_json(time.monotonic() - started)
    Path("build").mkdir(exist_ok=True)
    name = "powercut-sample" if arguments.sample else "powercut"
    Path("build", name + ".json").write_text(json.dumps(result, indent=1) + "\n")
    for schedule_id, text in total.violations[:_SHOWN]:
        print("%s\n    make powercut ID=%s" % (text, schedule_id))
    missing = [phase for phase in _PHASES if not arguments.sample and not total.by_phase[phase]]
    if missing:
        print("never cut in: " + ", ".join(missing))
    print("powercut: %d schedules, %d checks, %d violations" % (total.schedules, total.checks, len(total.violations)))
    return 1 if total.violations or missing else 0


if __name__ == "__main__":
    sys.exit(main())
