"""From a seed to a plan: which world it stands for, and what that may come to."""

from dataclasses import fields
from random import Random

from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
from tests.soak import lives
from tests.soak.faults import ALWAYS, FAULTS, GOOD, HEALING, LOADED
from tests.soak.plan import Order, Plan
from tests.soak.reached import CUT_POINTS

_ORDER = {field.name for field in fields(Order)}
_EFFECTS = tuple(sorted(set(PROGRAM_EFFECTS + ERASE_EFFECTS)))
_NAMES = sorted(FAULTS)
_TRIALS = ("crashes", "hangs", "is unfit", "no server in the trial")
_PHASES = ("download", "verify", "ready", "arm", "trial", "report", "session", "accepted", "idle")
_METHODS = {"dd": ("dau", "download", "fetch"), "web": ("dau", "download", "fetch"), "all": ("dau", "download", "push")}
_SINGLE, _CUTS, _MIXED = 40, 65, 80  # of a hundred seeds; the rest are lives


def draw(seed):
    """Return the plan of a seed."""
    random, kind = Random(seed), seed % 100
    if kind < _SINGLE:
        number = seed // 100 * _SINGLE + kind
        plan = compose(random, (_NAMES[number % len(_NAMES)],))
    elif kind < _CUTS:
        plan = compose(random, random.sample([row[0] for row in HEALING], random.choice((0, 0, 1))), _cuts(random))
    elif kind < _MIXED:
        names = [random.choice(ALWAYS)[0]] if random.random() < 0.6 else []
        names += random.sample([row[0] for row in HEALING], random.choice((1, 1, 2)))
        plan = compose(random, names, _cuts(random) if random.random() < 0.5 else ())
    else:
        names = sorted(lives.LIVES)
        plan = lives.LIVES[names[(seed // 100 * 20 + kind) % len(names)]](random, base(random))
        if random.random() < 0.4:
            plan = lives.with_cuts(plan, _cuts(random))
    plan.seed = seed
    return plan


def base(random):
    """Return the parts of a plan that have nothing to do with faults."""
    tls = random.random() < 0.6
    return {
        "tls": tls,
        "auth": "md5" if tls and random.random() < 0.8 else "MAC",
        "wbxml": random.random() < 0.5,
        "causes_readable": random.random() < 0.7,
        "needs_server": random.random() < 0.3,
        "notified": random.random() < 0.3,
        "resolver": random.random() < 0.3,
    }


def order(random, where):
    """Return the parts of an order that suit a fault."""
    method = random.choice(_METHODS[where])
    descriptor = method != "push" and (where == "dd" or random.random() < 0.5)
    return {
        "method": method,
        "correlator": random.choice(("a", "a", "corr 0 <&>", None)),
        "encoding": random.choice(("none", "deflate", "delta")),
        "descriptor": descriptor,
        "notify": descriptor and (where == "dd" or random.random() < 0.7),
        "ask": random.random() < 0.15,
    }


def compose(random, names, cuts=()):
    """Return a plan with these faults; codes that each of them may come to are what it may come to."""
    rows = [FAULTS[name] for name in names]
    rows = [row for row in rows if "alone" in row[1]] or rows
    places = " ".join(row[1] for row in rows).split()
    where = "dd" if "dd" in places else "web" if "web" in places else "all"
    settings, first = base(random), order(random, where)
    if "tls" in places:
        settings["tls"] = True
    changes = {"wires": (), "events": (), "cuts": ()}
    rows = _apart(rows)
    for row in rows:
        for name, value in row[4].items():
            if name in changes:
                changes[name] += value
            else:
                (first if name in _ORDER else settings)[name] = value
    if "alone" not in places:
        changes["cuts"] += tuple(cuts)
    if first.get("flaw") or settings.get("user", "yes") != "yes":
        first["ask"] = False
    codes, dlotas = _codes(first, rows)
    orders = (Order(**first),)
    title = " + ".join(row[0] for row in rows) + (", %d cuts" % len(cuts) if cuts else "")
    return Plan(orders=orders, codes=codes, dlotas=dlotas, title=title, **settings, **changes)


def _apart(rows):
    """Leave out what would undo another fault."""
    kept, taken = [], set()
    for row in rows:
        names = set(row[4]) - {"wires", "events", "cuts"}
        if not names & taken:
            kept.append(row)
            taken |= names
    return kept


def _codes(first, rows):
    """Return what the first order may come to, and what the download server may be told."""
    always = [row for row in rows if row[2] != GOOD]
    codes, dlotas = (GOOD, LOADED) if not always else (always[0][2], always[0][3])
    if always and always[0][0] in _TRIALS and first["method"] in ("download", "fetch"):
        codes, dlotas = (codes + GOOD, LOADED) if first["method"] == "download" else (GOOD, LOADED)
    return codes, dlotas


def _cuts(random):
    many = random.random() < 0.05
    return tuple(_cut(random) for _ in range(random.randint(5, 14) if many else random.choice((1, 1, 1, 2, 2, 3, 4))))


def _cut(random):
    kind = random.choice(("flash", "flash", "where", "where", "net", "phase", "ms"))
    if kind == "flash":
        return kind, random.choice((random.randint(1, 20), random.randint(1, 250))), random.choice(_EFFECTS)
    if kind == "where":
        return kind, random.choice(CUT_POINTS), random.randint(1, 12), random.choice(_EFFECTS)
    if kind == "net":
        return kind, random.randint(1, 25)
    if kind == "phase":
        return kind, random.choice(_PHASES), random.choice((0, 0, random.randint(1, 300), random.randint(1, 6000)))
    return kind, random.randint(1, 90000)
