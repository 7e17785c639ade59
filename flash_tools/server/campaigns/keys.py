"""What each key of a campaign may hold: a function a key, which returns the value or says what to write instead."""

import re
from datetime import date, datetime

from flash_tools.errors import ToolError
from flash_tools.server.campaigns import filter as filters
from flash_tools.server.campaigns.groups import read_threshold
from flash_tools.server.campaigns.window import read_window
from flash_tools.server.orders import METHODS

MAX_TEXT, MAX_DEVICES = 65536, 1_000_000


def show(value) -> str:
    """Return a value for an error: one line, short, whatever it is."""
    try:
        shown = ascii(value)
    except (ValueError, RecursionError):  # a number of more than 4,300 digits
        return "that"
    return shown if len(shown) <= 60 else shown[:60] + "..."


def plain(key) -> str:
    """Return a key as it is, if it can be one."""
    return key if isinstance(key, str) and key.isidentifier() and key.isascii() and len(key) < 40 else show(key)


def start_time(text: str) -> float | None:
    """Return the unix time that a `start` means; without a zone it is local time."""
    if text in ("now", "manual"):
        return 0.0 if text == "now" else None
    return datetime.fromisoformat(text).timestamp()


def _name(value):
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
        raise ToolError("write a name of letters, digits, `.`, `_` and `-`, at most 64")
    return value


def _text(longest, empty=False):
    def check(value):
        if not isinstance(value, str) or len(value) > longest or not (value.strip() or empty):
            raise ToolError("write a text of at most %d characters" % longest)
        return value

    return check


def _number(lowest, highest, whole=True):
    def check(value):
        kinds = int if whole else int | float
        if isinstance(value, bool) or not isinstance(value, kinds) or not lowest <= value <= highest:
            raise ToolError("write a %snumber from %s to %s" % ("whole " if whole else "", lowest, highest))
        return value

    return check


def _choice(*words):
    def check(value):
        if value not in words:
            raise ToolError("write %s" % " or ".join('"%s"' % word for word in words))
        return value

    return check


def _flag(value):
    if not isinstance(value, bool):
        raise ToolError("write true or false")
    return value


def _read_by(read_text):
    def check(value):
        if value != "":
            read_text(_text(MAX_TEXT)(value))
        return value

    return check


def _start(value):
    value = value.isoformat() if isinstance(value, date) else value  # TOML has dates of its own
    try:
        start_time(_text(40)(value))
    except (ToolError, ValueError, OverflowError, OSError):
        raise ToolError('write "manual", "now" or a time as "2026-12-01T22:00"') from None
    return value


def _threshold(value):
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < MAX_DEVICES:
        value = str(value)
    return _read_by(read_threshold)(value)


def _needed(value):
    if value == "":
        raise ToolError('write a part of the group as "95%", or a number of devices as "3"')
    return _threshold(value)


def _read_filter(value):
    if not isinstance(value, str):
        raise ToolError("write a text as \"model == 'm'\"")
    filters.compile(value)
    return value


KEYS = {
    "name": _name,
    "package": _text(255),
    "filter": _read_filter,
    "start": _start,
    "method": _choice(*METHODS),
    "retries": _number(0, 100),
    "window": _read_by(read_window),
    "silent_h": _number(0.01, 8760, whole=False),
    "confirm": _text(255),
    "notify": _flag,
    "parallel": _number(0, MAX_DEVICES),
}
GROUP_KEYS = {
    "name": _name,
    "count": _number(1, MAX_DEVICES),
    "percent": _number(0.001, 100, whole=False),
    "success": _needed,
    "then": _choice("next", "pause"),
    "errors": _threshold,
    "dynamic": _flag,
}
