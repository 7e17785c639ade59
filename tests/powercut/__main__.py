"""make powercut: explore everything, or replay one schedule by its id; writes build/powercut.json.

The flash core is explored with a scripted server, on a NOR chip and on a flash that is files; the whole agent with servers on a
simulated network: the session worlds.
"""

import argparse
import json
import sys
import time
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

from tests.powercut import file_schedules, recovery, schedules, session_schedules
from tests.powercut.session_explore import KINDS

_SHOWN = 10
_PAIRS = 120  # schedules of two cuts, for each session world
_SAMPLE, _SAMPLE_PAIRS = 80, 8  # the same for a sample, and its single cuts
_PHASES = ("order", "download", "verify", "arm", "trial", "confirm", "revert", "fallback", "report", "supersede")


class Total:
    """The sum of what the workers found."""

    def __init__(self):
        self.schedules = self.checks = self.ended_new_200 = 0
        self.by_phase, self.by_effect = Counter(), Counter()
        self.violations = []
        self.sessions, self.files = Sessions(), Part("files")
        self.recoveries = 0

    @property
    def all_violations(self):
        """Return those of all parts."""
        return self.violations + self.sessions.violations + self.files.violations

    def add(self, found):
        """Take one worker's summary."""
        if "message_cuts" in found:
            self.sessions.add(found)
            return
        if "files_schedules" in found:
            self.files.add(found)
            return
        if "recovery_schedules" in found:
            self.recoveries += found["recovery_schedules"]
            self.violations += found["violations"]
            return
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
            **self.sessions.as_json(),
            **self.files.as_json(),
            "recovery_schedules": self.recoveries,
            "seconds": round(seconds, 1),
        }

    def missing(self):
        """Return what a complete exploration must have cut in and has not."""
        found = [phase for phase in _PHASES if self.schedules and not self.by_phase[phase]]
        found += ["files " + phase for phase in _PHASES if self.files.schedules and not self.files.by_phase[phase]]
        return found + [kind for kind in KINDS if self.sessions.schedules and not self.sessions.kinds[kind]]

    def line(self):
        """Return the closing line."""
        sessions, files = self.sessions, self.files
        text = "powercut: %d schedules, %d on files, %d of recovery, %d with sessions (%d cuts between messages), "
        text += "%d checks, %d violations"
        return text % (
            self.schedules,
            files.schedules,
            self.recoveries,
            sessions.schedules,
            sessions.kinds.total(),
            self.checks + sessions.checks + files.checks,
            len(self.all_violations),
        )


class Part:
    """The same for worlds of one kind, whose figures begin with a word; a schedule of two cuts counts twice, as above."""

    def __init__(self, word):
        self._word = word
        self.schedules = self.checks = self.ended_new_200 = 0
        self.by_phase, self.violations = Counter(), []

    def add(self, found):
        """Take one worker's summary."""
        for name in ("schedules", "checks", "ended_new_200"):
            setattr(self, name, getattr(self, name) + found[self._word + "_" + name])
        self.by_phase.update(found[self._word + "_by_phase"])
        self.violations += found["violations"]

    def as_json(self):
        """Return its part of the flat object."""
        names = ("schedules", "checks", "by_phase", "ended_new_200")
        found = {self._word + "_" + name: getattr(self, name) for name in names}
        return {**found, self._word + "_violations": len(self.violations)}


class Sessions(Part):
    """The session worlds, with cuts between two messages, or within a download."""

    def __init__(self):
        super().__init__("session")
        self.kinds = Counter()

    def add(self, found):
        """Take one worker's summary."""
        super().add(found)
        self.kinds.update(found["message_cuts"])

    def as_json(self):
        """Return its part of the flat object."""
        return {
            **super().as_json(),
            "session_cuts": self.schedules - self.kinds.total(),  # inside a flash operation
            "message_cuts": self.kinds.total(),
            "message_cuts_by_kind": dict(self.kinds),
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
        made = total.schedules + total.sessions.schedules + total.recoveries + total.files.schedules
        text = "%d of %d tasks, %d schedules, %d violations" % (number, of, made, len(total.all_violations))
        print(text, end=end, file=sys.stderr, flush=True)


def _replay(schedule_id):
    if schedule_id.startswith("recovery/"):
        violations = recovery.replay(schedule_id)
        print("replayed %s: %s" % (schedule_id, violations or "no violation"))
        return 1 if violations else 0
    explorer = _part_of(schedule_id).replay(schedule_id)
    for path, text in explorer.violations:
        print("%s: %s" % (schedules.path_id(path), text))
    print("replayed %s: %d violations" % (schedule_id, len(explorer.violations)))
    return 1 if explorer.violations else 0


def _part_of(schedule_id):
    if schedule_id.startswith(file_schedules.PREFIX):
        return file_schedules
    return session_schedules if schedule_id.split("@")[0].count("/") == 1 else schedules


def main():
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="powercut", description=__doc__)
    parser.add_argument("--id", help="replay this one schedule")
    parser.add_argument("--sample", action="store_true", help="a selection of a minute")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--random", type=int, default=400, help="random schedules a world")
    parser.add_argument("--only", choices=("flash", "files", "sessions", "recovery"), help="one of the parts")
    arguments = parser.parse_args()
    if arguments.id:
        return _replay(arguments.id)
    started = time.monotonic()
    total = explore(_work(arguments), arguments.processes, _show)
    result = total.as_json(time.monotonic() - started)
    Path("build").mkdir(exist_ok=True)
    name = "powercut" + ("-sample" if arguments.sample else "") + ("-" + arguments.only if arguments.only else "")
    Path("build", name + ".json").write_text(json.dumps(result, indent=1) + "\n")
    for schedule_id, text in total.all_violations[:_SHOWN]:
        print("%s\n    make powercut ID=%s" % (text, schedule_id))
    missing = [] if arguments.sample else total.missing()
    if missing:
        print("never cut in: " + ", ".join(missing))
    print(total.line())
    return 1 if total.all_violations or missing else 0


def _work(arguments):
    work = []
    if arguments.only in (None, "flash"):
        work += schedules.tasks(arguments.sample, arguments.random)
    if arguments.only in (None, "files"):
        work += file_schedules.tasks(arguments.sample)
    if arguments.only in (None, "sessions"):
        singles, pairs = (_SAMPLE, _SAMPLE_PAIRS) if arguments.sample else (0, _PAIRS)
        work += session_schedules.tasks(singles, pairs)
    if arguments.only in (None, "recovery") and not arguments.sample:
        work += recovery.tasks()
    return work


if __name__ == "__main__":
    sys.exit(main())
