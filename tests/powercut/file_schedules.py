"""Which worlds are explored on a flash that is files, as tasks for the workers; an id is that of schedules.py behind `files/`."""

from tests.powercut import files
from tests.powercut.schedules import cut_pairs, follow_cuts, path_id

WORLDS = (
    "tiny/none/good",
    "tiny/delta/good",
    "tiny/none/crash",
    "tiny/none/unfit",
    "tiny/none/supersede",
    "tiny/deflate/crash-then-good",
    "tiny/none/crash-confirmed",
    "tiny/none/unreadable",
)
LARGER = ("4k-only/deflate/good", "4k-only/delta/crash", "4k-only/none/hang")
PAIRS = ("tiny/none/good", "tiny/delta/good", "tiny/none/crash", "tiny/none/supersede")
PREFIX = "files/"
_SEEDS, _SAMPLE_SEEDS = 400, 20


def tasks(sample):
    """Return the work as (function, arguments): every single cut, pairs, random ones; a sample has little of each."""
    if sample:
        return [(run_singles, (WORLDS[0],)), (run_random, (WORLDS[-1], _SAMPLE_SEEDS))]
    work = [(run_pairs, (name,)) for name in PAIRS] + [(run_singles, (name,)) for name in LARGER + WORLDS]
    return work + [(run_random, (name, _SEEDS)) for name in WORLDS]


def run_singles(name):
    """Make every single cut."""
    explorer = files.explorer(name)
    files.every_cut(explorer, name)
    return _summary(explorer)


def run_pairs(name):
    """Make every pair of cuts."""
    explorer = files.explorer(name)
    cut_pairs(explorer, name, enumerate(explorer.base()))
    return _summary(explorer)


def run_random(name, seeds):
    """Make up to six cuts at random places, for so many seeds."""
    explorer = files.explorer(name)
    for seed in range(seeds):
        files.random_cuts(explorer, name, seed)
    return _summary(explorer)


def replay(schedule_id):
    """Run one schedule alone; return its explorer."""
    name = schedule_id.removeprefix(PREFIX)
    if "~" in name:
        name, seed = name.split("~")
        explorer = files.explorer(name)
        files.random_cuts(explorer, name, int(seed))
        return explorer
    return follow_cuts(files.explorer, name)


def _summary(explorer):
    return {
        "files_schedules": explorer.schedules,
        "files_checks": explorer.checks,
        "files_by_phase": dict(explorer.by_phase),
        "files_ended_new_200": explorer.ended_good,
        "violations": [(PREFIX + path_id(path), text) for path, text in explorer.violations],
    }
