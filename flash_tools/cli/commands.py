"""Which commands `fumo` has, and how a command line is run.

Only the file of the command that is wanted is loaded: what the others need takes most of a second. The texts of
`fumo --help` are in index.py, which `python -m flash_tools.lists` makes.
"""

import functools
import importlib
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from flash_tools.cli import silence
from flash_tools.cli.index import COMMANDS
from flash_tools.errors import StoppedError, ToolError, UsageError

GROUPS = {
    "keys": "key", "package": "package", "flash": "flash", "recover": "recover", "config": "config", "server": "server",
    "device": "device", "campaign": "campaign", "sim": "sim",
}  # fmt: skip
SINGLE = ("list", "provision", "deploy", "board", "monitor", "dump", "doctor", "notify", "order")
_SETTINGS = {"help_option_names": ["-h", "--help"]}
_NotUnderstoodError = typer.BadParameter.__mro__[1]  # of typer's or of click's, as the version has it


def build(module: str | None = None) -> typer.Typer:
    """Return the app: with the commands of one file, or with all of them."""
    made = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, context_settings=_SETTINGS)
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
    made = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, context_settings=_SETTINGS)
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
    trace: Annotated[
        Path | None, typer.Option(help="Note the bytes of serial lines in this file; or FUMO_TRACE.")
    ] = None,
) -> None:
    """Keys, packages, boards, servers and simulated devices."""
    if version:
        from flash_tools.version import version as installed

        print("fumo-agent", installed())
        raise typer.Exit
    if trace:
        os.environ["FUMO_TRACE"] = str(trace)
    from flash_tools.cli import config

    config.apply(context)


def _nothing() -> None:
    """Do nothing."""


def _wanted(words):
    """Return the app for a command line."""
    if "_FUMO_COMPLETE" in os.environ:
        return _whole()
    if not words or words in (["-h"], ["--help"], ["--version"]):
        return outline()
    return build(COMMANDS[words[0]][0]) if words[0] in COMMANDS else _whole()


def run() -> int:
    """Run the command line; return the exit code. What was not understood is a ToolError, too."""
    try:
        code = _wanted(sys.argv[1:])(prog_name="fumo", standalone_mode=False)
        if code == StoppedError.exit_code:  # typer's way to tell of Ctrl-C
            raise KeyboardInterrupt
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except typer.Abort as e:  # a question was answered by no, or by Ctrl-C
        stopped = isinstance(e.__context__, KeyboardInterrupt)
        raise (StoppedError if stopped else ToolError)("nothing was done") from None
    except _NotUnderstoodError as e:
        if type(e).__name__ == "NoArgsIsHelpError":  # the help was asked for, and is printed
            e.show()
            return e.exit_code
        where = e.ctx.command_path if e.ctx else "fumo"
        text = " ".join(e.format_message().split()).rstrip(".")
        raise UsageError("%s: see `%s --help`" % (text, where)) from None
    except BrokenPipeError:
        silence()  # whoever read it has gone: nothing is left to flush
        return 1
    except OSError as e:
        raise ToolError(f"cannot use {e.filename}: {e.strerror}" if e.filename else e.strerror or str(e)) from e
