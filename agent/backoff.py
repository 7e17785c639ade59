"""How long to wait before the next try of something that may help itself: doubling, capped, with jitter."""

from agent.compat import const

_FIRST_MS = const(30000)
_MOST_MS = const(3600000)


def pause_ms(failures, tries, random):
    """Return the milliseconds to wait after so many failures in a row, -1 when enough was tried; `random(below)` is the board's."""
    if failures > tries:
        return -1
    wait_ms = min(_FIRST_MS << min(failures - 1, 7), _MOST_MS)
    return wait_ms - wait_ms // 4 + random(wait_ms // 4 + 1)
