"""Which session worlds are explored how, as tasks for the workers; an id is a world's name of two parts, then a cut for each `@`.

The number counts the flash operations and the places between messages of a run in one row; the effect of the latter is `cut`.
"""

from random import Random

from tests.powercut.schedules import follow_cuts, path_id
from tests.powercut.session_explore import SessionExplorer
from tests.powercut.session_worlds import names, session_world

_CHUNK = 24  # points of one task
_PAIRS = 12  # seeds of one task


def tasks(sample, pairs):
    """Return the work as (function, arguments); `pairs` schedules of two cuts a world, and every single cut or a part of them."""
    work = []
    for name in names():
        if sample:
            work.append((run_some, (name, sample, pairs)))
            continue
        count = len(explorer_of(name).base())
        work += [(run_singles, (name, start, _CHUNK)) for start in range(0, count, _CHUNK)]
        work += [(run_pairs, (name, seed, min(_PAIRS, pairs - seed))) for seed in range(0, pairs, _PAIRS)]
    return work


def explorer_of(name):
    """Return an explorer for a world."""
    return SessionExplorer(session_world(name))


def run_singles(name, start, count):
    """Make every single cut at `count` points from `start` on."""
    explorer = explorer_of(name)
    for number, point in list(enumerate(explorer.base()))[start : start + count]:
        for effect in point.effects:
            explorer.branch(point, effect, (name, (number, effect)))
    return _summary(explorer)


def run_some(name, count, pairs):
    """Make `count` single cuts that are drawn, some of them between two messages, and some pairs."""
    explorer, random = explorer_of(name), Random(name)
    every = [(number, point, effect) for number, point in enumerate(explorer.base()) for effect in point.effects]
    for number, point, effect in random.sample(every, min(count, len(every))):
        explorer.branch(point, effect, (name, (number, effect)))
    _pairs(explorer, name, range(pairs))
    return _summary(explorer)


def run_pairs(name, first, count):
    """Make schedules of two cuts, drawn from the seeds `first` to `first + count`."""
    explorer = explorer_of(name)
    explorer.base()
    _pairs(explorer, name, range(first, first + count))
    return _summary(explorer)


def _pairs(explorer, name, seeds):
    """The first cut is drawn from all of a run, the second one from what follows it."""
    for seed in seeds:
        random, points, path = Random("%s+%d" % (name, seed)), explorer.fresh_points(), (name,)
        for _ in range(2):
            if not points:
                break
            number = random.randrange(len(points))
            effect = random.choice(points[number].effects)
            path += ((number, effect),)
            points = explorer.branch(points[number], effect, path, True)


def replay(schedule_id):
    """Run one schedule alone; return its explorer."""
    return follow_cuts(explorer_of, schedule_id)


def _summary(explorer):
    return {
        "session_schedules": explorer.schedules,
        "session_checks": explorer.checks,
        "session_ended_new_200": explorer.ended_good,
        "session_by_phase": dict(explorer.by_phase),
        "message_cuts": dict(explorer.by_message),
        "violations": [(path_id(path), text) for path, text in explorer.violations],
    }
