"""`fumo dump`: everything that a flash tells of a device, dead or alive."""

from pathlib import Path
from typing import Annotated

import typer

from flash_tools import dump
from flash_tools.cli.output import Json, result, say
from flash_tools.dump import text
from flash_tools.target import Board

Interrupt = Annotated[
    bool, typer.Option("--interrupt", help="mpy: stop the program that runs there, start it again at the end.")
]


def register(app) -> None:
    """Add the command to `fumo`."""
    app.command("dump")(dump_command)


def dump_command(
    board: Board,
    layout: Annotated[str | None, typer.Option(help="What lies where: a board file's name, or a JSON file.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM of a key that the device should trust.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Save the raw image, too.")] = None,
    interrupt: Interrupt = False,
    as_json: Json = False,
) -> None:
    """Show what a flash tells: what ran, what was under way, what the next power-on does. Writes nothing to the board."""
    document = dump.of_board(board, layout, key, output, interrupt)
    if "status" in document:
        _show_live(document, as_json)
        return
    if output:
        say("saved %d bytes as %s" % (document["flash"]["bytes"], output))
    if as_json:
        result("dump", True, document)
    else:
        print("\n".join(text.lines(document)))


def _show_live(document, as_json):
    say("a console tells only the status: name the board's flash for the rest")
    result("dump", as_json, document)
    if not as_json:
        print("\n".join(text.fields(document["status"])))
