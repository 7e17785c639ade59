"""`fumo doctor`: what is wrong on this machine, with the way to a server, or with a board."""

from pathlib import Path
from typing import Annotated

import typer

from flash_tools import doctor
from flash_tools.cli.output import DryRun, Json, plain, read, result, show_table
from flash_tools.errors import UsageError
from flash_tools.target import BOARD

Interrupt = Annotated[
    bool, typer.Option("--interrupt", help="mpy: stop the program that runs there, start it again at the end.")
]


def register(app) -> None:
    """Add the command to `fumo`."""
    app.command("doctor")(doctor_command)


def doctor_command(
    board: Annotated[str | None, typer.Option("--board", "-b", envvar=BOARD, help="Look at this board, too.")] = None,
    layout: Annotated[str | None, typer.Option(help="What lies where: a board file's name, or a JSON file.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM of a key that the board should trust.")] = None,
    url: Annotated[str | None, typer.Option(help="A server that should be reached.")] = None,
    ca: Annotated[Path | None, typer.Option(help="PEM of the authority to trust, with --url.")] = None,
    interrupt: Interrupt = False,
    write_test: Annotated[
        bool, typer.Option("--write-test", help="Write a sector that nobody needs; put back what was in it.")
    ] = False,
    region: Annotated[str | None, typer.Option(help="Region for the write test, instead of the spare bank.")] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Say what is wrong, and what to do. Exit code 1 where anything failed."""
    if region and not write_test:
        raise UsageError("--region is for --write-test")
    found = doctor.examine_host()
    found += doctor.examine_server(url, read(ca).decode("utf-8", "replace") if ca else None)
    if board:
        found += doctor.examine_board(board, doctor.Look(layout, key, interrupt, write_test, region, dry_run))
    bad = doctor.failed(found)
    if as_json:
        result("doctor", True, {"ok": not bad, "checks": [check.as_dict() for check in found]})
    else:
        show_table("", ["", "check", "found", "what to do"], [_row(check) for check in found])
    if bad:
        raise typer.Exit(1)


def _row(check):
    return check.verdict, check.name, plain(check.what), plain(check.do)
