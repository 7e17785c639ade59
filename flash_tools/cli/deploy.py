"""`fumo deploy`: the agent's own code, onto a board."""

from pathlib import Path
from typing import Annotated

import typer

from flash_tools.cli.output import DryRun, Json, people, plain, result, say
from flash_tools.errors import UsageError
from flash_tools.target import Board

_Plain = Annotated[bool, typer.Option("--plain", help="MicroPython: a file for each module, names as they are.")]
_Lines = Annotated[bool, typer.Option("--lines", help="A small board's tracebacks have lines, for 6 % more code.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `fumo`."""
    app.command("deploy")(deploy_command)


def deploy_command(
    board: Board,
    board_file: Annotated[str, typer.Option(help="The product: a name in board/, or a .py file of your own.")],
    app: Annotated[Path | None, typer.Option(help="Folder of an application that goes beside the agent.")] = None,
    runtime: Annotated[
        str | None, typer.Option(help="micropython or cpython_linux; only dir: has to be told.", show_default=False)
    ] = None,
    to: Annotated[str, typer.Option(help="Folder on the board, for mpy:.")] = "/",
    first_stage: Annotated[
        bool, typer.Option("--first-stage", help="What a MicroPython board starts by itself, instead of its firmware.")
    ] = False,
    freeze: Annotated[
        str | None, typer.Option(help="Folder for a firmware build: rp2, esp32, stm32 or other.", show_default=False)
    ] = None,
    plain: _Plain = False,
    lines: _Lines = False,
    mpy_version: Annotated[
        str | None, typer.Option(help="Bytecode of older firmware: 6.2, 6.1 or 6.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also what something else has put there.")] = False,
    interrupt: Annotated[bool, typer.Option("--interrupt", help="Stop the program that runs on the board.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Restart the board's interpreter in the end.")] = False,
    ssh: Annotated[str, typer.Option(envvar="FUMO_SSH", help="The ssh command, for ssh:.")] = "ssh",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Put the agent, its board file and an application onto a board; only what differs is written."""
    from flash_tools import deploy

    if first_stage and (freeze or plain or app):
        raise UsageError("--first-stage goes without --freeze, --plain and --app")
    wish = deploy.Wish(
        deploy.runtime_of(board, runtime), board_file, app, mpy_version, plain, first_stage, freeze, lines
    )
    if dry_run:
        plan = deploy.rehearse(board, wish)
    else:
        plan = deploy.deploy(board, wish, overwrite, interrupt, reset, to, ssh, None if as_json else _tell)
    _show(board, plan, dry_run, as_json)


def _tell(path, number, count):
    people().print(plain("%3d/%d %s" % (number, count, path)), markup=False, end="\n")


def _show(board, plan, dry_run, as_json):
    written = [{"path": path, "bytes": len(data)} for path, data in plan.write.items()]
    if dry_run and not as_json:
        for each in written:
            print("%8d %s" % (each["bytes"], plain(each["path"])))
    verb = ("would write %d files" if dry_run else "wrote %d files") % len(written)
    gone = ", removed %d" % len(plan.remove) if plan.remove else ""
    say("%s, %d bytes, to %s; %d were the same%s" % (verb, plan.bytes, board, len(plan.same), gone))
    if plan.where:
        say(plan.where)
    if dry_run and plan.foreign:
        say(
            "%s and %d more are there and are not ours: it would want --overwrite"
            % (plan.foreign[0], len(plan.foreign) - 1)
        )
    fields = {"board": board, "written": written, "bytes": plan.bytes, "same": plan.same, "removed": plan.remove}
    result("deploy", as_json, {**fields, "foreign": plan.foreign, "dry_run": dry_run, "where": plan.where or None})
