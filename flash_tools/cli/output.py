"""What the commands of `fumo` share: words and tables for people, result objects for scripts, and the way to a server.

Data goes to stdout, words for people to stderr. Strings that come from devices are hostile to terminals, too.
"""

import functools
import inspect
import json
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flash_tools.cli.rehearsal import Rehearsal, Rehearsed
from flash_tools.errors import ToolError, UsageError
from flash_tools.whole_file import new_file, write

__all__ = [
    "Ca", "DryRun", "Folder", "Json", "Served", "Token", "Url", "VERSION", "Yes", "ago", "clock", "connect", "new_file",
    "passphrase", "people", "plain", "read", "result", "say", "seconds", "served", "show_fields", "show_table", "sure",
    "usual", "write",
]  # fmt: skip

VERSION = 1  # of the result object
FOLDER, URL, TOKEN = "FUMO_SERVER", "FUMO_URL", "FUMO_TOKEN"
_PASSPHRASE = "FUMO_PASSPHRASE"
USUAL_FOLDER = "fumo-server"
_WIDTH = 200  # of a table that goes into a file or a pipe
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")]
Json = Annotated[bool, typer.Option("--json", help="One result object on stdout.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Folder = Annotated[
    Path | None, typer.Option("--dir", envvar=FOLDER, help="Folder of the server; ./%s otherwise." % USUAL_FOLDER)
]
Url = Annotated[str | None, typer.Option("--url", envvar=URL, help="A running server's page, instead of a folder.")]
Token = Annotated[str | None, typer.Option("--token", envvar=TOKEN, help="What that server's page wants.")]
Ca = Annotated[Path | None, typer.Option("--ca", help="PEM of the authority to trust, with --url.")]


def passphrase() -> bytes | None:
    """Return what opens private keys, where the environment has it."""
    text = os.environ.get(_PASSPHRASE)
    return text.encode() if text else None


def people() -> Console:
    """Return where words for people go."""
    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def say(text: str) -> None:
    """Say something to people, on one line."""
    people().print(plain(text), markup=False)


def result(command: str, as_json: bool, fields: dict) -> None:
    """Print the result object."""
    if as_json:
        said = {"version": VERSION, "command": command, "ok": True, **fields}
        try:
            print(json.dumps(said, allow_nan=False))
        except ValueError:  # a device says what is no number, and JSON has no word for it
            print(json.dumps(json.loads(json.dumps(said), parse_constant=lambda name: None)))


def sure(what: str, yes: bool) -> None:
    """Ask whether that shall be done to what cannot be had back; a script has to say --yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("this would %s, for good: say --yes" % plain(what))
    typer.confirm("This will %s, for good. Go on?" % plain(what), abort=True, err=True)


def plain(value) -> str:
    """Return a text without control characters."""
    text = "" if value is None else str(value)
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def show_table(title: str, columns: list[str], rows: list) -> None:
    """Print rows of values; a column is as wide as the terminal lets it be."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(value)) for value in row))
    out = Console(highlight=False)
    Console(highlight=False, width=out.width if sys.stdout.isatty() else _WIDTH).print(table)


def show_fields(fields: dict) -> None:
    """Print names and values, one a line."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        for line in str("" if value is None else value).split("\n"):
            print("%-*s  %s" % (width, name, plain(line)))
            name = ""


def ago(at: float | None) -> str:
    """Return how long ago that was."""
    if not at:
        return "never"
    seconds = max(int(time.time() - at), 0)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return "%d %s ago" % (seconds // size, unit)
    return "%d s ago" % seconds


def clock(at: float | None) -> str:
    """Return a time of this place."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else ""


def seconds(text: str) -> int:
    """Return the seconds of 90, 90s, 15m, 24h or 7d."""
    number, unit = (text[:-1], text[-1]) if text and text[-1] in _UNITS else (text, "s")
    if not (number.isascii() and number.isdigit() and len(number) < 8 and int(number)):
        raise ToolError("a time is a number with s, m, h or d behind it, not %s" % plain(text))
    return int(number) * _UNITS[unit]


def read(path: Path) -> bytes:
    """Read a file."""
    try:
        return path.read_bytes()
    except OSError as e:
        raise ToolError(f"cannot read {path}: {e.strerror}") from None


# -- the way to a server ----------------------------------------------------------------------------------------------


def usual(folder: Path | None) -> Path:
    """Return the folder that is meant."""
    return folder or Path(os.environ.get(FOLDER) or USUAL_FOLDER)


@contextmanager
def connect(folder, url, token, ca):
    """Give a Client of the server that is meant."""
    from flash_tools.admin_client import Client, open_folder

    if not url:
        with open_folder(usual(folder)) as client:
            yield client
        return
    if not token:
        raise ToolError("--url needs --token, or %s in the environment" % TOKEN)
    yield Client(url, token, read(ca).decode("utf-8", "replace") if ca else None)


class Served:
    """What a command that talks to a server is given first."""

    def __init__(self, client, command: str, as_json: bool, dry_run: bool = False):
        self.client, self.command, self.as_json, self.dry_run = client, command, as_json, dry_run

    def show(self, fields: dict, for_people) -> None:
        """Print the result object, or let `for_people` print."""
        if self.as_json:
            result(self.command, True, fields)
        else:
            for_people()


def served(command: str, writes: bool = False):
    """Give a function the options of a server, and --dry-run if it writes; its first argument becomes a Served."""

    def decorate(function):
        @functools.wraps(function)
        def run(folder=None, url=None, token=None, ca=None, as_json=False, dry_run=False, **given):
            with connect(folder, url, token, ca) as client:
                if not dry_run:
                    return function(Served(client, command, as_json), **given)
                try:
                    return function(Served(Rehearsal(client), command, as_json, True), **given)
                except Rehearsed as told:
                    say(str(told))
                    result(command, as_json, told.fields)

        mine = list(inspect.signature(function).parameters.values())[1:]
        kinds = {"folder": (Folder, None), "url": (Url, None), "token": (Token, None), "ca": (Ca, None)}
        kinds |= {"dry_run": (DryRun, False)} if writes else {}
        kinds["as_json"] = (Json, False)
        more = [_option(name, kind, value) for name, (kind, value) in kinds.items()]
        run.__signature__ = inspect.Signature([*(each.replace(kind=each.KEYWORD_ONLY) for each in mine), *more])
        run.__annotations__ = {each.name: each.annotation for each in run.__signature__.parameters.values()}
        del run.__wrapped__
        return run

    return decorate


def _option(name, kind, value):
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=value)
