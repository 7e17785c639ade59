"""How a user names a board: KIND:PLACE. Always said, never guessed: no command takes the first device that it finds.

sim:FOLDER      a simulated device: its files, and its serial line while it runs
file:IMAGE      a flash image
spi:DEVICE      a SPI NOR behind Linux spidev, /dev/spidev0.0
mtd:NAME        a flash that Linux has as MTD, by its name
mpy:PORT        a MicroPython board as mpremote names it: /dev/ttyACM0, id:SERIAL, rfc2217://host:port
serial:PORT     the console of a board, /dev/ttyUSB0 or /dev/ttyUSB0@115200
ssh:HOST        a Linux board, user@host
dir:FOLDER      a folder to deploy into
"""

from dataclasses import dataclass
from typing import Annotated

import typer

from flash_tools.errors import UsageError

KINDS = ("sim", "file", "spi", "mtd", "mpy", "serial", "ssh", "dir")
BOARD = "FUMO_BOARD"
_SHOWN = "sim:FOLDER, file:IMAGE, spi:DEVICE, mtd:NAME, mpy:PORT, serial:PORT, ssh:HOST or dir:FOLDER"

_HELP = "Which board: %s; board.target of the settings otherwise." % _SHOWN

Board = Annotated[str, typer.Option("--board", "-b", envvar=BOARD, help=_HELP)]


@dataclass(frozen=True)
class Target:
    """One board."""

    kind: str
    place: str

    def __str__(self) -> str:
        return "%s:%s" % (self.kind, self.place)


def split(text: str) -> tuple[str, str]:
    """Return kind and place of what `text` names."""
    kind, colon, place = text.partition(":")
    if not (colon and place and kind in KINDS):
        raise UsageError("%s names no board: use %s" % (text or "nothing", _SHOWN))
    return kind, place


def parse(text: str, *kinds: str) -> Target:
    """Return the target that `text` names; `kinds` are those that the command can do."""
    kind, place = split(text)
    if kinds and kind not in kinds:
        raise UsageError("this cannot be done with %s: it takes %s" % (text, ", ".join(each + ":" for each in kinds)))
    return Target(kind, place + _usual(kind, place))


def _usual(kind, place):
    """Return what the settings add to a place that does not say it itself."""
    from flash_tools import config

    if kind == "serial" and "@" not in place:
        baud = config.value("serial.baud")
        return "@%d" % baud if baud else ""
    if kind == "spi" and "hz=" not in place.partition("?")[2]:
        hz = config.value("spi.hz")
        return ("&" if "?" in place else "?") + "hz=%d" % hz if hz else ""
    return ""
