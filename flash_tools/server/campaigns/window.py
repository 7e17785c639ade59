"""Times of day at which a campaign may place orders: "22:00-05:00", local time, or "22:00-05:00 UTC". Asks no clock."""

import re
import time

from flash_tools.errors import ToolError

_WINDOW = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)(\s+UTC)?", re.ASCII)


def read_window(text: str) -> tuple[int, int, bool]:
    """Return (first minute of the day, the minute after the last, is it UTC)."""
    found = _WINDOW.fullmatch(text.strip())
    first, end = (int(found[n]) * 60 + int(found[n + 1]) for n in (1, 3)) if found else (0, 0)
    if found is None or end > 24 * 60 or first == end:
        raise ToolError('write two different times, as in "22:00-05:00" or "22:00-05:00 UTC"')
    return first, end, bool(found[5])


def in_window(window: str, now: float) -> bool:
    """Tell whether `now` is inside; no window is always open."""
    if not window:
        return True
    first, end, utc = read_window(window)
    at = time.gmtime(now) if utc else time.localtime(now)
    minute = at.tm_hour * 60 + at.tm_min
    return first <= minute < end if first < end else minute >= first or minute < end
