"""Which worlds are explored how, as tasks for the workers; and how a schedule's id is read back.

An id is the world's name, then a cut for each `@`: number of the flash operation and effect. `~` and a seed stand for random cuts.
"""

from random import Random

from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
from tests.powercut.explore import Explorer
from tests.powercut.worlds import make_world

CHIPS = ("w25q128", "mx25r64", "4k-only")
FIRMWARE = ("good", "crash", "hang", "unsigned")
SPECIAL = (
    "4k-only/none/supersede",
    "4k-only/deflate/crash-then-good",
    "4k-only/none/crash-confirmed",
    "4k-only/deflate/rot",
    "4k-only/none/wrap",
    "4k-only/none/order-in-trial",
    "4k-only/none/bad",
    "4k-only/delta/unreadable",
    "4k-only/delta/unfit",
    "w25q128/deflate/crash-confirmed",
)
SAMPLE = (
    "4k-only/none/good",
    "4k-only/none/crash-confirmed",
    "tiny/delta/crash",
    "tiny/none/hang",
    "tiny/none/unfit",
    "tiny/none/unsigned",
    "tiny/none/supersede",
    "tiny/none/crash-then-good",
    "tiny/none/order-in-trial",
    "tiny/none/rot",
    "tiny/none/wrap",
)
PAIRS = ("tiny/none/good",)
RANDOM = (
    "4k-only/delta/good",
    "4k-only/deflate/crash",
    "tiny/none/supersede",
    "tiny/deflate/crash-then-good",
    "tiny/none/rot",
)
_CHUNK = 24  # points of one task
_MOST_CUTS = 6


def singles():
    """Return the names of the worlds in which every single cut is made."""
    names = [
        "%s/%s/%s" % (chip, encoding, kind) for chip in CHIPS for encoding in ("deflate", "delta") for kind in FIRMWARE
    ]
    return names + list(SPECIAL)


def tasks(sample, random_runs):
    """Return the work as (function name, arguments), long tasks first."""
    work = [(run_random, (name, start, 50)) for name in RANDOM for start in range(0, random_runs, 50)]
    if sample:
        return [(run_singles, (name, 0, None)) for name in SAMPLE] + work
    for name in PAIRS:
        work = [(run_pairs, (name, start, 4)) for start in range(0, _count(name), 4)] + work
    for name in singles():
        work = [(run_singles, (name, start, _CHUNK)) for start in range(0, _count(name), _CHUNK)] + work
    return work


def _count(name):
    return len(_explorer(name).base())


def _explorer(name):
    return Explorer(make_world(*name.split("/")))


def run_singles(name, start, count):
    """Make every single cut at `count` operations from `start` on."""
    explorer = _explorer(name)
    points = explorer.base()
    end = len(points) if count is None else start + count
    for number, point in list(enumerate(points))[start:end]:
        for effect in point.effects:
            explorer.branch(point, effect, (name, (number, effect)))
    return _summary(explorer)


def run_pairs(name, start, count):
    """Make every pair of cuts whose first is at `count` operations from `start` on."""
    explorer = _explorer(name)
    cut_pairs(explorer, name, list(enumerate(explorer.base()))[start : start + count])
    return _summary(explorer)


def cut_pairs(explorer, name, points):
    """Cut at each of these (number, point), and again at each operation of what follows."""
    for number, point in points:
        for effect in point.effects:
            path = (name, (number, effect))
            for second, later in enumerate(explorer.branch(point, effect, path, True) or ()):
                for other in later.effects:
                    explorer.branch(later, other, path + ((second, other),))


def run_random(name, start, count):
    """Make up to six cuts at random places, for `count` seeds."""
    explorer = _explorer(name)
    explorer.base()
    for seed in range(start, start + count):
        random_schedule(explorer, name, seed)
    return _summary(explorer)


def random_schedule(explorer, name, seed):
    """Cut at random, each time after a random number of operations of the boots that follow."""
    random = Random(f"{name}~{seed}")
    points, path = explorer.fresh_points(), (name, "~%d" % seed)
    for _ in range(random.randint(2, _MOST_CUTS)):
        if not points:
            return
        point = random.choice(points)
        effects = PROGRAM_EFFECTS if point.operation[0] == "program" else ERASE_EFFECTS
        points = explorer.branch(point, random.choice(effects), path + (random.random(),), True)


def replay(schedule_id):
    """Run one schedule alone; return its explorer."""
    if "~" in schedule_id:
        name, seed = schedule_id.split("~")
        explorer = _explorer(name)
        explorer.base()
        random_schedule(explorer, name, int(seed))
        return explorer
    return follow_cuts(_explorer, schedule_id)


def follow_cuts(explorer_of, schedule_id):
    """Make the cuts that an id names, with the explorer of its world; return that."""
    name, *cuts = schedule_id.split("@")
    explorer = explorer_of(name)
    points, path = explorer.base(), (name,)
    for cut in cuts:
        number, effect = cut.split(".")
        path += ((int(number), effect),)
        points = explorer.branch(points[int(number)], effect, path, True) or ()
    return explorer


def path_id(path):
    """Return the id of a path."""
    if len(path) > 1 and isinstance(path[1], str):
        return path[0] + path[1]
    return path[0] + "".join("@%d.%s" % cut for cut in path[1:])


def _summary(explorer):
    return {
        "world": explorer.world.name,
        "schedules": explorer.schedules,
        "checks": explorer.checks,
        "violations": [(path_id(path), text) for path, text in explorer.violations],
        "by_phase": dict(explorer.by_phase),
        "by_effect": dict(explorer.by_effect),
        "ended_new_200": explorer.ended_good,
    }
