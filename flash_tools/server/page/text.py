"""Turns values into text for the page: sizes, times, links, and strings from devices with nothing hidden in them.

Every expression of every template goes through `visible`, so no screen can forget it. Knows no HTML: escaping is Jinja's.
"""

import json
import re
import time
from datetime import UTC, datetime
from urllib.parse import quote, unquote

_KEEP = "!'()*~"  # what the script's encodeURIComponent leaves as it is
_STEPS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\-_])")
_XML = re.compile(r"(</?[^<>]*>)")
_CONTROLS = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB".split()
)
_CONTROLS += "ESC FS GS RS US".split()
_ROW, _MOST_BYTES = 16, 4096


class Block(str):
    """Text of several lines: its line ends and tabs are meant."""

    __slots__ = ()


def visible(value):
    """Return a value with control and bidirectional characters as marks that can be seen."""
    if not isinstance(value, str) or hasattr(value, "__html__") or value.isprintable():
        return value
    kept = "\n\t" if isinstance(value, Block) else ""
    return "".join(each if each.isprintable() or each in kept else _mark(each) for each in value)


def _mark(letter):
    number = ord(letter)
    name = _CONTROLS[number] if number < 32 else "DEL" if number == 127 else "U+%04X" % number
    return "\u2039%s\u203a" % name


def block(value) -> Block:
    """Return text of several lines, without the colours of terminals."""
    return Block(_ESCAPES.sub("", str(value or "")).replace("\r\n", "\n"))


def clip(value, most: int = 80) -> str:
    """Return a text that is not too long."""
    text = str(value if value is not None else "")
    return text if len(text) <= most else text[: most - 1] + "\u2026"


def quoted(value) -> str:
    """Return an id as it is in addresses, form fields and data-attributes."""
    return quote(str(value), safe=_KEEP, errors="replace")


def unquoted(value) -> str:
    """Return the id again."""
    return unquote(value)


def device_url(device_id) -> str:
    """Return where the screen of a device is; browsers would walk up for an id of dots."""
    return "/device?id=%s" % device_id if device_id in (".", "..") else "/devices/" + quoted(device_id)


def size(number) -> str:
    """Return a number of bytes for people."""
    if number is None:
        return "\u2013"
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            return "%d B" % value if unit == "B" else "%.*f %s" % (value < 10, value, unit)
        value /= 1024


def number(value) -> str:
    """Return a number with its thousands apart."""
    return "\u2013" if value is None else f"{int(value):,}".replace(",", " ")


def plural(count, word: str) -> str:
    """Return a number of things."""
    return "%s %s%s" % (number(count), word, "" if count == 1 else "s")


def percent(share) -> str:
    """Return a share of one as per cent, never 100 before the end."""
    return "%d %%" % min(99 if share < 1 else 100, int(share * 100))


def span(seconds) -> str:
    """Return a length of time in its largest unit."""
    seconds = abs(seconds)
    for length, unit in _STEPS:
        if seconds >= length:
            return "%d %s" % (seconds // length, unit)
    return "0 s"


def ago(at, now: float | None = None) -> str:
    """Return how far a moment is away."""
    if not at:
        return "never"
    away = (now or time.time()) - at
    if abs(away) < 1:
        return "now"
    return span(away) + " ago" if away > 0 else "in " + span(away)


def stamp(at) -> str:
    """Return a moment in full, UTC."""
    return _moment(at).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "never"


def clock(at) -> str:
    """Return a moment's time of day with milliseconds, UTC."""
    return _moment(at).strftime("%H:%M:%S.%f")[:-3] if at else "\u2013"


def iso(at) -> str:
    """Return a moment for machines."""
    return _moment(at).isoformat(timespec="seconds") if at else ""


def _moment(at):
    try:
        return datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def as_json(value) -> str:
    """Return a value for a data-attribute of the script."""
    return json.dumps(value, separators=(",", ":"))


def pretty(value) -> str:
    """Return a value as JSON for people and files; nothing in it is hidden."""
    return json.dumps(value, indent=2)


def markup_parts(line: str) -> list[tuple[str, str]]:
    """Return a line of decoded XML as (class, text): what is a tag and what a value."""
    return [("tag" if part.startswith("<") else "value", part) for part in _XML.split(line) if part]


def hex_rows(raw: str) -> tuple[list[tuple[str, str, str]], int]:
    """Return the rows (offset, bytes, characters) of a dump, and how many bytes are left out."""
    digits = "".join(raw.split())
    pairs = [digits[at : at + 2] for at in range(0, min(len(digits), 2 * _MOST_BYTES), 2)]
    rows = [_hex_row(at, pairs[at : at + _ROW]) for at in range(0, len(pairs), _ROW)]
    return rows, max(0, len(digits) // 2 - _MOST_BYTES)


def _hex_row(at, pairs):
    half = _ROW // 2
    text = " ".join(pairs[:half]) + ("  " + " ".join(pairs[half:]) if len(pairs) > half else "")
    return "%04x" % at, text, "".join(map(_letter, pairs))


def _letter(pair):
    try:
        number = int(pair, 16)
    except ValueError:
        return "\u00b7"
    return chr(number) if 32 <= number < 127 else "\u00b7"
