"""The command `fumo`: thin wrappers of functions that scripts can call themselves, a file for each of its commands.

Data on stdout, words for people on stderr.
"""

import json
import sys
from importlib import metadata
from typing import Annotated

import typer

from flash_tools.cli import (
    board,
    campaign,
    config,
    deploy,
    device,
    doctor,
    dump,
    flash,
    key,
    monitor,
    notify,
    order,
    package,
    provision,
    recover,
    server,
    sim,
)
from flash_tools.cli.output import VERSION, say
from flash_tools.errors import ToolError

GROUPS = (
    ("keys", key),
    ("package", package),
    ("flash", flash),
    ("recover", recover),
    ("config", config),
    ("server", server),
    ("device", device),
    ("campaign", campaign),
    ("sim", sim),
)
COMMANDS = (provision, deploy, board, monitor, dump, doctor, notify)
INTERRUPTED = 130

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
for _name, _module in GROUPS:
    app.add_typer(_module.app, name=_name)
for _module in COMMANDS:
    _module.register(app)
app.command("order")(order.order)
app.add_typer(order.orders_app, name="orders")


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Say the version.")] = False) -> None:
    """Keys, packages, boards, servers and simulated devices."""
    if version:
        print("fumo-agent", metadata.version("fumo-agent"))
        raise typer.Exit


def main() -> None:
    """Run `fumo`; what the user can mend is one line and an exit code."""
    try:
        try:
            app()
        except OSError as e:
            raise ToolError(f"cannot use {e.filename}: {e.strerror}" if e.filename else str(e)) from e
    except ToolError as e:
        if "--json" in sys.argv:
            print(json.dumps({"version": VERSION, "ok": False, "error": str(e), "exit_code": e.exit_code}))
        say(f"fumo: {e}")
        sys.exit(e.exit_code)
