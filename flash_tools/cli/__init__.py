"""The command `fumo`: thin wrappers of functions that scripts can call themselves, a file for each of its commands.

Data on stdout, words for people on stderr. Only the file of the command that is wanted is loaded: what the others need
takes most of a second. The texts of `fumo --help` are in index.py, which `python -m flash_tools.lists` makes.
"""

import functools
import importlib
import json
import os
import sys
from typing import Annotated

import typer

from flash_tools.cli.index import COMMANDS
from flash_tools.cli.output import VERSION, say
from flash_tools.errors import ToolError, UsageError

GROUPS = {
    "keys": "key", "package": "package", "flash": "flash", "recover": "recover", "config": "config", "server": "server",
    "device": "device", "campaign": "campaign", "sim": "sim",
}  # fmt: skip
SINGLE = ("provision", "deploy", "board", "monitor", "dump", "doctor", "notify", "order")
_NotUnderstoodError = typer.BadParameter.__mro__[1]  # of typer's or of click's, as the version has it


def build(module: str | None = None) -> typer.Typer:
    """Return the app: with the commands of one file, or with all of them."""
    made = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
    made.callback(invoke_without_command=True)(root)
    for each in (module,) if module else (*SINGLE, *GROUPS.values()):
        loaded = importlib.import_module("flash_tools.cli." + each)
        for name in (name for name, its in GROUPS.items() if its == each):
            made.add_typer(loaded.app, name=name)
        if each in SINGLE:
            loaded.register(made)
    return made


def outline() -> typer.Typer:
    """Return an app that can do nothing but show its help."""
    made = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
    made.callback(invoke_without_command=True)(root)
    for name, (_, is_group, text) in COMMANDS.items():
        if is_group:
            made.add_typer(typer.Typer(help=text), name=name)
            made.registered_groups[-1].typer_instance.command("nothing")(_nothing)
        else:
            made.command(name, help=text)(_nothing)
    return made


@functools.cache
def _whole():
    return build()


def __getattr__(name):
    if name == "app":
        return _whole()
    raise AttributeError(name)


def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Say the version.")] = False,
) -> None:
    """Keys, packages, boards, servers and simulated devices."""
    if version:
        from flash_tools.version import version as installed

        print("fumo-agent", installed())
        raise typer.Exit
    from flash_tools.cli import config

    config.apply(context)


def _nothing() -> None:
    """Do nothing."""


def _wanted(words):
    """Return the app for a command line."""
    if "_FUMO_COMPLETE" in os.environ:
        return _whole()
    if not words or words in (["--help"], ["--version"]):
        return outline()
    return build(COMMANDS[words[0]][0]) if words[0] in COMMANDS else _whole()


def main() -> None:
    """Run `fumo`; what the user can mend is one line and an exit code."""
    try:
        sys.exit(_run())
    except ToolError as e:
        if "--json" in sys.argv:
            print(json.dumps({"version": VERSION, "ok": False, "error": str(e), "exit_code": e.exit_code}))
        say(f"fumo: {e}")
        sys.exit(e.exit_code)


def _run():
    """Return the exit code; a command that was not understood is a ToolError, too."""
    try:
        code = _wanted(sys.argv[1:])(prog_name="fumo", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except typer.Abort:
        raise ToolError("nothing was done") from None
    except _NotUnderstoodError as e:
        if type(e).__name__ == "NoArgsIsHelpError":  # the help was asked for, and is printed
            e.show()
            return e.exit_code
        where = e.ctx.command_path if e.ctx else "fumo"
        text = " ".join(e.format_message().split()).rstrip(".")
        raise UsageError("%s: see `%s --help`" % (text, where)) from None
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # whoever read it has gone: nothing is left to flush
        return 1
    except OSError as e:
        raise ToolError(f"cannot use {e.filename}: {e.strerror}" if e.filename else str(e)) from e
