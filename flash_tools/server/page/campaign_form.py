"""Turns the form of a new campaign into the TOML that `fumo campaign add` takes too: one language, one set of errors."""

import json

from flash_tools.errors import ToolError

ROWS = 4  # groups that the form has room for
EXAMPLE = """[campaign]
name = "trial-7"
package = "fw-1.4.2.fup"
filter = "model == 'pico2w' and tag == 'field'"
start = "manual"
retries = 2
window = "22:00-05:00"
group = [
  { name = "canary", count = 2, success = "100%", then = "pause", errors = "1" },
  { name = "early", percent = 20, success = "90%", errors = "5%" },
  { name = "rest", percent = 80, errors = "5%", dynamic = true },
]
"""
_TEXTS = ("name", "package", "filter", "start", "method", "window", "confirm")
_NUMBERS = ("retries", "silent_h", "parallel")


def as_toml(sent) -> str:
    """Return the campaign that a form describes."""
    lines = ["[campaign]"]
    lines += ["%s = %s" % (name, _text(sent.text(name))) for name in _TEXTS if sent.text(name)]
    lines += ["%s = %g" % (name, sent.number(name)) for name in _NUMBERS if sent.text(name)]
    if sent.get("notify") != "1":
        lines.append("notify = false")
    groups = [_group(sent, row) for row in range(1, ROWS + 1) if sent.text("group%d_name" % row)]
    if groups:
        lines += ["group = ["] + ["  { %s }," % each for each in groups] + ["]"]
    return "\n".join(lines) + "\n"


def _group(sent, row):
    def field(name):
        return sent.text("group%d_%s" % (row, name))

    parts = ["name = %s" % _text(field("name"))]
    parts += [_share(field("share"), field("name"))] if field("share") else []  # the last one takes all that are left
    parts += ["%s = %s" % (name, _text(field(name))) for name in ("success", "errors", "then") if field(name)]
    return ", ".join(parts + (["dynamic = true"] if field("dynamic") == "1" else []))


def _share(text, name):
    """Return how large a group is: `20%` or a number of devices."""
    number = text.removesuffix("%").strip()
    if not number.isascii() or not number.isdigit():
        raise ToolError("group %s: its size is a number of devices, or per cent as in 20%%" % (name or "?"))
    return "%s = %d" % ("percent" if text.endswith("%") else "count", int(number))


def _text(value):
    """Return a TOML string; JSON's are some."""
    return json.dumps(value, ensure_ascii=False)
