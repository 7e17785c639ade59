"""The Markdown table of a board's wiring, and its place in a page."""

from flash_tools.errors import ToolError
from flash_tools.wiring.parts import Wiring

_END = "<!-- end of wiring -->"


def markdown(wiring: Wiring) -> str:
    """Return the table, one row a wire."""
    head = ("pin", "signal") if wiring.header or wiring.numbered else ("end", "what it is there")
    rows = [(*head, "part", "its pin", "what for", "through")]
    for part in wiring.parts:
        for wire in part.wires:
            rows.append((wire.pin, wiring.pins[wire.pin], part.name, wire.at, wire.what, wire.through))
    rows.insert(1, ("---",) * len(rows[0]))
    lines = ["| %s |" % " | ".join(row) for row in rows]
    notes = ["%s: %s." % (part.name, part.note) for part in wiring.parts if part.note]
    return "\n".join(lines) + "\n" + "".join("\n%s\n" % note for note in notes)


def placed(page: str, wiring: Wiring) -> str:
    """Return the page with the table between its two marks."""
    start = "<!-- wiring: %s -->" % wiring.name
    if page.count(start) != 1 or _END not in page.partition(start)[2]:
        raise ToolError("the page of %s has no place for its wiring: it needs %s and %s" % (wiring.name, start, _END))
    before, _, rest = page.partition(start)
    return "%s%s\n%s%s%s" % (before, start, markdown(wiring), _END, rest.partition(_END)[2])
