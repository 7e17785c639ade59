"""What the LED of a fake board shows, read from its edges as a person reads it: by how long it is on and off."""

from hal.status_led import _PATTERNS

_OFF_MS, _PART = 45, 0.15  # a computer that has other things to do switches late


def shown(edges) -> str:
    """Return the state whose whole pattern is at the end of the edges, a list of (level, milliseconds); "" for none."""
    for state, pattern in _PATTERNS.items():
        count = max(len(pattern), 6) if len(set(pattern)) == 1 else len(pattern)  # an even pattern is part of others
        if len(edges) > count and _fits(edges[-count - 1 :], pattern):
            return state
    return ""


def _fits(edges, pattern):
    """Tell whether the times between the edges are those of the pattern, wherever it began."""
    times = [(level, later - ms) for (level, ms), (_, later) in zip(edges, edges[1:], strict=False)]
    for turn in range(len(pattern)):
        wanted = [(1 - (turn + at) % 2, pattern[(turn + at) % len(pattern)]) for at in range(len(times))]
        if all(_is(one, other) for one, other in zip(times, wanted, strict=True)):
            return True
    return False


def _is(found, wanted):
    return found[0] == wanted[0] and abs(found[1] - wanted[1]) <= _OFF_MS + _PART * wanted[1]


def shows(power, state, timeout_s=20):
    """Wait until the board's LED shows that state, beginning with what it does from now on."""
    since = len(power.led)
    power.wait(lambda: shown(power.led[since:]) == state, timeout_s)
