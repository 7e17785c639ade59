"""The picture of a board's wiring as SVG: host on the left, parts on the right, every wire a straight line of its own row.

No wire crosses another: rows are in the order of the parts, and a Raspberry Pi's header is a map beside them, in the same colours.
"""

import textwrap
from html import escape

from flash_tools.wiring.parts import COLOURS, Wiring

ROW, TITLE, GAP, NOTE, TOP = 30, 52, 26, 17, 84
_HOST_X, _HOST_WIDTH, _MAP_WIDTH, _NAMES_WIDTH = 24, 188, 118, 50
_WIRE_WIDTH, _PART_WIDTH, _MARGIN = 290, 300, 24
_PIN_STEP, _LINK_WIDTH, _THROUGH_WIDTH = 17, 150, 52
_NOTE_LETTERS = 43
_STYLE = (
    "text{font-family:'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;font-size:13px;fill:#1c2833}"
    ".title{font-size:20px;font-weight:bold}.name{font-size:15px;font-weight:bold}.small{font-size:11.5px;fill:#566573}"
    ".pin{font-size:11px;font-weight:bold;fill:#fff;text-anchor:middle}.end{text-anchor:end}.mid{text-anchor:middle}"
    ".what{font-size:11.5px;fill:#34495e;text-anchor:middle}"
)


class _Canvas:
    """SVG elements as they are drawn."""

    def __init__(self):
        self.lines = []

    def text(self, x, y, text, style=""):
        self.lines.append(
            '<text x="%g" y="%g"%s>%s</text>' % (x, y, ' class="%s"' % style if style else "", escape(text))
        )

    def box(self, x, y, width, height, fill, stroke="#aeb6bf", radius=8):
        shape = '<rect x="%g" y="%g" width="%g" height="%g" rx="%g" fill="%s" stroke="%s"/>'
        self.lines.append(shape % (x, y, width, height, radius, fill, stroke))

    def line(self, x1, y1, x2, y2, colour, width=3):
        shape = '<line x1="%g" y1="%g" x2="%g" y2="%g" stroke="%s" stroke-width="%g" stroke-linecap="round"/>'
        self.lines.append(shape % (x1, y1, x2, y2, colour, width))

    def dot(self, x, y, radius, fill, stroke="none"):
        self.lines.append('<circle cx="%g" cy="%g" r="%g" fill="%s" stroke="%s"/>' % (x, y, radius, fill, stroke))


def svg(wiring: Wiring) -> str:
    """Return the picture."""
    canvas, left = _Canvas(), _HOST_X + (_MAP_WIDTH if wiring.header else _NAMES_WIDTH)
    host_edge = left + _HOST_WIDTH
    part_x = host_edge + _WIRE_WIDTH
    width = part_x + _PART_WIDTH + _MARGIN + (_LINK_WIDTH if wiring.links else 0)
    tops, bottom = _tops(wiring)
    if wiring.header:
        bottom = max(bottom, TOP + TITLE + 20 * _PIN_STEP + 24)
    canvas.box(0, 0, width, bottom + _MARGIN, "#fdfefe", "none", 0)
    canvas.text(_MARGIN, 42, wiring.title, "title")
    canvas.text(_MARGIN, 62, "board/%s.py" % wiring.name, "small")
    canvas.box(_HOST_X, TOP, host_edge - _HOST_X, bottom - TOP, "#eaf2ea", "#7fa67f")
    canvas.text(_HOST_X + 14, TOP + 28, wiring.host, "name")
    if wiring.header:
        _draw_map(canvas, wiring)
    for part, top in zip(wiring.parts, tops, strict=True):
        _draw_part(canvas, wiring, part, top, host_edge, part_x)
    for link in wiring.links:
        _draw_link(canvas, link, tops, part_x + _PART_WIDTH)
    return _whole(canvas, width, bottom + _MARGIN, wiring)


def _whole(canvas, width, height, wiring):
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" role="img">' % (
        width, height, width, height,
    )  # fmt: skip
    title = "<title>%s</title>" % escape("Wiring: " + wiring.title)
    return "\n".join([head, title, "<style>%s</style>" % _STYLE, *canvas.lines, "</svg>"]) + "\n"


def _tops(wiring):
    """Return where each part begins, and where the last one ends."""
    tops, y = [], TOP
    for part in wiring.parts:
        tops.append(y)
        y += _height(part) + GAP
    return tops, y - GAP


def _height(part):
    notes = len(_note(part))
    return TITLE + ROW * len(part.wires) + (NOTE * notes + 8 if notes else 6)


def _note(part):
    return textwrap.wrap(part.note, _NOTE_LETTERS)


def _draw_map(canvas, wiring):
    """Draw the header as it lies, pin 1 above on the left, the used pins in their colours."""
    jobs = {wire.pin: wire.job for part in wiring.parts for wire in part.wires}
    x, y = _HOST_X + 40, TOP + TITLE + 8
    canvas.box(x - 14, y - 14, 28 + 30, 20 * _PIN_STEP + 11, "#2c3e50", "none", 5)
    for number in range(1, 41):
        row, column = divmod(number - 1, 2)
        at_x, at_y = x + 30 * column, y + row * _PIN_STEP
        used = str(number) in jobs
        canvas.dot(at_x, at_y, 7.5, COLOURS[jobs[str(number)]] if used else "#566573", "#fff" if used else "none")
        if used:
            canvas.text(at_x + (24 if column else -24), at_y + 4, str(number), "small mid")


def _draw_part(canvas, wiring, part, top, host_edge, part_x):
    canvas.box(part_x, top, _PART_WIDTH, _height(part), "#eef3fa", "#7f97b8")
    canvas.text(part_x + 14, top + 22, part.name, "name")
    canvas.text(part_x + 14, top + 39, part.detail, "small")
    for number, wire in enumerate(part.wires):
        y = top + TITLE + ROW * number + ROW / 2
        colour = COLOURS[wire.job]
        canvas.line(host_edge, y, part_x, y, colour)
        _draw_end(canvas, wiring, wire, y, host_edge, colour)
        canvas.dot(part_x, y, 5, colour, "#fff")
        canvas.text(part_x + 16, y + 4.5, wire.at)
        taken = _THROUGH_WIDTH + 20 if wire.through else 0
        canvas.text((host_edge + part_x - taken) / 2, y - 6, wire.what, "what")
        if wire.through:
            canvas.box(part_x - taken, y - 9, _THROUGH_WIDTH, 18, "#fff7e0", colour, 4)
            canvas.text(part_x - taken + _THROUGH_WIDTH / 2, y + 4, wire.through, "small mid")
    for number, line in enumerate(_note(part)):
        canvas.text(part_x + 14, top + TITLE + ROW * len(part.wires) + NOTE * (number + 0.7), line, "small")


def _draw_end(canvas, wiring, wire, y, host_edge, colour):
    numbers = wiring.header or wiring.numbered
    name = wiring.pins[wire.pin].replace("/", " · ") if numbers else wiring.pins[wire.pin]
    canvas.text(host_edge - 22, y + 4.5, name, "end")
    if numbers:
        canvas.dot(host_edge, y, 11, colour, "#fff")
        canvas.text(host_edge, y + 4, wire.pin, "pin")
    else:
        canvas.dot(host_edge, y, 5, colour, "#fff")


def _draw_link(canvas, link, tops, edge):
    """Draw the wires of two parts to each other, outside on the right."""
    start, end, x = tops[link.part] + 30, tops[link.part + 1] + 30, edge + 26
    for x1, y1, x2, y2 in ((edge, start, x, start), (x, start, x, end), (x, end, edge, end)):
        canvas.line(x1, y1, x2, y2, "#7f8c8d", 5)
    canvas.text(x + 10, (start + end) / 2, link.text, "small")
