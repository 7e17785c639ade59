"""What a board's wiring is made of: a host with pins, parts with pins, and a wire for each pair of them."""

from dataclasses import dataclass

POWER, GROUND = "power", "ground"
# One colour for each job that a wire can have, dark enough for white text on it.
COLOURS = {
    POWER: "#c62828", GROUND: "#37474f", "select": "#1565c0", "clock": "#b26a00", "to part": "#2e7d32", "from part": "#6a1b9a",
    "protect": "#00796b", "hold": "#5d4037", "i2c data": "#ad1457", "i2c clock": "#283593", "led": "#827717", "button": "#00838f",
    "reset": "#bf360c", "serial out": "#2e7d32", "serial in": "#6a1b9a", "line": "#455a64",
}  # fmt: skip


@dataclass(frozen=True)
class Wire:
    """One wire; `pin` is the host's, `at` the part's, `job` one of COLOURS, `through` what sits in the wire."""

    pin: str
    at: str
    job: str
    what: str
    through: str = ""


@dataclass(frozen=True)
class Part:
    """What the host is wired to; `note` is what the wires alone do not say."""

    name: str
    detail: str
    wires: tuple[Wire, ...]
    note: str = ""


@dataclass(frozen=True)
class Link:
    """Wires between two parts that are not the host's: from the part of that number to the next one."""

    part: int
    text: str


@dataclass(frozen=True)
class Wiring:
    """One board; `pins` says what each pin of the host is, `header` whether these are the 40 pins of a Raspberry Pi.

    Pins that are `numbered` have their numbers printed on the board, or beside it, but no map.
    """

    name: str
    title: str
    host: str
    pins: dict[str, str]
    parts: tuple[Part, ...]
    header: bool = True
    links: tuple[Link, ...] = ()
    numbered: bool = False


def problems(wiring: Wiring) -> list[str]:
    """Return what cannot be meant: a pin that is not there or used twice, power on anything but power."""
    found, seen = [], {}
    for part in wiring.parts:
        ends = set()
        for wire in part.wires:
            label = "%s: pin %s to %s %s" % (wiring.name, wire.pin, part.name, wire.at)
            signal = wiring.pins.get(wire.pin)
            if signal is None:
                found.append("%s: the host has no such pin" % label)
                continue
            found += ["%s: %s" % (label, text) for text in _faults(wire, signal)]
            if (wiring.header or wiring.numbered) and wire.pin in seen:
                found.append("%s: the pin goes to %s already" % (label, seen[wire.pin]))
            if wire.at in ends:
                found.append("%s: that end has a wire already" % label)
            seen[wire.pin] = part.name
            ends.add(wire.at)
    return found


def _faults(wire, signal):
    if wire.job not in COLOURS:
        yield "nobody knows the job %r" % wire.job
    if (wire.job == POWER) != (signal in ("3V3", "5V")):
        yield "the pin is %s, the wire %s" % (signal, wire.job)
    if (wire.job == GROUND) != (signal == "GND"):
        yield "the pin is %s, the wire %s" % (signal, wire.job)
    if signal == "5V":
        yield "5 V ends the life of a part for 3.3 V"
