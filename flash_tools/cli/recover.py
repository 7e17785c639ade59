"""`fumo recover`: firmware over a serial line, into a board that has none to start."""

import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flash_tools.cli.output import DryRun, Json, passphrase, people, result, say, show_table
from flash_tools.serial_line import KINDS
from flash_tools.signing import keys
from flash_tools.target import Board, parse

app = typer.Typer(no_args_is_help=True, help="Serial recovery.")

_FLAGS = ("bootable", "pending", "confirmed", "active")
_NEXT = {
    "done": "the board starts %s on trial",
    "unanswered": "the board was told to start %s on trial and did not say that it heard: look with `fumo monitor`",
    "no": "the board starts %s on trial at its next reset: `fumo recover reset`",
}


@app.command("enter")
def recover_enter(board: Board, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Have the firmware of a board go into recovery, and wait until that answers."""
    from flash_tools.recovery import recover

    target = parse(board, *KINDS)
    asked = False if dry_run else recover.enter(target)
    result("recover enter", as_json, {"board": board, "asked": asked, "dry_run": dry_run})
    if dry_run:
        say("would send the command recovery to %s" % board)
    else:
        say("the board is in recovery" if asked else "the board was in recovery already")


@app.command("upload")
def recover_upload(
    file: Annotated[Path, typer.Argument(help="The package (.fup).")],
    board: Board,
    key: Annotated[
        Path | None, typer.Option(help="PEM of the public (or private) key: check the signature first.")
    ] = None,
    no_reset: Annotated[bool, typer.Option("--no-reset", help="Leave the board in recovery.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Send a package to a board in recovery; the board checks it, starts it on trial, and falls back where it fails."""
    from flash_tools.recovery import recover

    target = parse(board, *KINDS)
    public = keys.read_public_key(key, passphrase()) if key else None
    with _bar(file.name, as_json or dry_run) as progress:
        done = recover.upload(target, file, public=public, progress=progress, reset=not no_reset, dry_run=dry_run)
    result("recover upload", as_json, done.fields())
    if not as_json:
        _tell(done)


def _tell(done) -> None:
    if done.dry_run:
        say(
            "would send %d bytes of %s with version %s to %s"
            % (done.package_bytes, done.package, done.firmware, done.board)
        )
        _show(done.images)
        return
    mended = ", %d answers asked for again" % done.faults if done.faults else ""
    went_on = ", from byte %d on" % done.started_at if done.started_at else ""
    say("sent %d bytes in %.1f s%s%s" % (done.package_bytes, done.seconds, went_on, mended))
    say(_NEXT[done.reset] % done.firmware)
    kept = [image.version for image in done.images if image.confirmed]
    say(
        "%s comes back if it fails" % kept[0]
        if kept
        else "there is nothing to go back to: if it fails, send another one"
    )


@app.command("status")
def recover_status(board: Board, as_json: Json = False) -> None:
    """Show the images that a board in recovery has."""
    from flash_tools.recovery import recover

    images = recover.status(parse(board, *KINDS))
    result("recover status", as_json, {"board": board, "images": [asdict(image) for image in images]})
    if not as_json:
        _show(images)


def _show(images) -> None:
    if not images:
        say("no image on the board could be started")
        return
    rows = [(image.slot, image.version, _words(image), image.hash) for image in images]
    show_table("", ["slot", "version", "state", "hash"], rows)


def _words(image) -> str:
    return " ".join(name for name in _FLAGS if getattr(image, name))


@app.command("reset")
def recover_reset(board: Board, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Let a board in recovery start."""
    from flash_tools.recovery import recover

    target = parse(board, *KINDS)
    images = recover.status(target) if dry_run else []
    answered = False if dry_run else recover.reset(target)
    result("recover reset", as_json, {"board": board, "answered": answered, "dry_run": dry_run})
    if dry_run:
        say("would let %s start; it has %d images" % (board, len(images)))
    else:
        say("the board starts" if answered else "the board was told to start and did not say that it heard")


@contextmanager
def _bar(name: str, off: bool):
    """Give what shows the progress; None where nobody would see it."""
    if off or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=people(), transient=True) as bars:
        task = bars.add_task(name, total=None)
        yield lambda done, size: bars.update(task, completed=done, total=size)
