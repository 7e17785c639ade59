"""`fumo list`: what is within reach, by the names that --board takes."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flash_tools import nearby
from flash_tools.cli.output import Json, result, say, show_table


def register(app) -> None:
    """Add the command to `fumo`."""
    app.command("list")(list_boards)


def list_boards(
    folder: Annotated[Path, typer.Argument(help="Where simulated devices are looked for.")] = Path("."),
    as_json: Json = False,
) -> None:
    """List what is within reach, by the names that --board takes. Nothing is opened, nothing chosen."""
    found = nearby.look(folder=folder)
    result("list", as_json, {"found": [asdict(each) for each in found]})
    if as_json:
        return
    if not found:
        say("nothing is within reach: no serial port, no spidev, no MTD, no simulated device in %s" % folder)
        return
    show_table("", ["-b", "what", ""], [_row(each) for each in found])


def _row(each):
    return "\n".join(each.boards), each.what, "" if each.open_to_you else "may not be opened by you: fumo doctor"
