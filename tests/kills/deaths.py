"""When a server dies: drawn from a seed before it starts. Plain values, so that a death can be written down and sent to a process.

`where` is what the server is at, `kind` an event that must be in the transaction at hand, `n` how many such moments pass before.
"""

import random
from dataclasses import dataclass

PHASES = (
    "random",
    "start",
    "statement",
    "before commit",
    "in commit",
    "after commit",
    "soon after",
    "half answer",
    "after answer",
)
_TRANSACTION, _ANSWER = PHASES[2:7], PHASES[7:]
# (where, kinds, how many such moments there are in a life)
_PLACES = (
    ("message", ("report", "report", "offered", "accepted", "result", "ordered", "session", "contact"), 2),
    ("message", ("",), 12),
    ("tick", ("", "ordered"), 2),
    ("upload", ("",), 1),
    ("task", ("",), 1),
    ("enrol", ("",), 1),
    ("token", ("",), 1),
    ("campaign", ("campaign",), 2),
    ("order", ("",), 1),
    ("notification", ("notification",), 1),
)
_RANDOM_SHARE = 0.25
_DELAYS_S = (0, 1e-5, 5e-5, 1e-4, 3e-4), (0.0005, 0.001, 0.002, 0.005)
_PATIENCE_S = 0.8  # for the moment to come
_LIFE_S = (0.02, 0.4)


@dataclass(frozen=True)
class Death:
    """`after_s`: killed from outside then, at the latest; counted from when the server answers, or from its birth (start)."""

    phase: str
    after_s: float
    where: str = ""
    kind: str = ""
    n: int = 1
    delay_s: float = 0  # how long the commit has been running, or how long ago the answer was made (soon after)

    @property
    def name(self) -> str:
        """Return it in a few words."""
        return " ".join(word for word in (self.phase, self.where, self.kind) if word)


def draw(seed: int, count: int) -> list[Death]:
    """Return so many deaths."""
    source = random.Random(seed)
    return [_draw(source) for _ in range(count)]


def _draw(source):
    roll = source.random()
    if roll < 0.06:
        return Death("start", source.uniform(0, 0.25))
    if roll < 0.06 + _RANDOM_SHARE:
        return Death("random", source.uniform(*_LIFE_S))
    if roll < 0.5:
        kind = source.choice(_PLACES[0][1])
        return Death(source.choice(_ANSWER), _PATIENCE_S, "message", kind, source.randint(1, 2 if kind else 12))
    where, kinds, most = source.choice(_PLACES)
    phase = source.choice(_TRANSACTION)
    delay = source.choice(_DELAYS_S[phase == "soon after"])
    return Death(phase, _PATIENCE_S, where, source.choice(kinds), source.randint(1, most), delay)
