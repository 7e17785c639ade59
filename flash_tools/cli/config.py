"""`fumo config`: the settings of the tools and of a board, checked and shown; and how they reach the other commands."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from flash_tools import config
from flash_tools.cli.output import FOLDER, URL, Json, plain, read, result, say
from flash_tools.config_schema import BY_NAME, SETTINGS
from flash_tools.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Settings.")
_EVERY = "every "
_LENIENT = ("config", "doctor")  # these work where the settings are broken


@app.command("check")
def config_check(
    file: Annotated[Path | None, typer.Argument(help="A file alone; otherwise everything that counts here.")] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with the settings, a line each, with file and line. Exit code 1 where anything is."""
    found = config.examine_file(file) if file else config.examine()
    files = [str(file)] if file else [str(path) for path in config.Places().files()]
    if as_json:
        result("config check", True, {"ok": not found.problems, "files": files, "problems": found.problems})
    else:
        for problem in found.problems:
            print(plain(problem))
    say("%s in %s" % (_count(found.problems), ", ".join(files) or "variables alone: there is no file"))
    if found.problems:
        raise typer.Exit(1)


@app.command("show")
def config_show(
    name: Annotated[str | None, typer.Argument(help="A setting alone, like board.target.")] = None,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each comes from.")] = False,
    as_json: Json = False,
) -> None:
    """Show the settings that count here."""
    if name and name not in BY_NAME:
        raise UsageError("there is no setting %s: `fumo config show` lists them" % plain(name))
    found = config.examine()
    rows = [_row(setting, found) for setting in SETTINGS if name in (None, setting.name)]
    if as_json:
        result("config show", True, {"settings": rows, "problems": found.problems})
    else:
        for row in rows:
            text = "" if row["value"] is None else str(row["value"])
            more = "  (%s)" % row["origin"] if origin else ""
            print(plain("%-24s  %s%s" % (row["name"], text, more)).rstrip())
    if found.problems:
        say("%s: fumo config check" % _count(found.problems))


def _count(problems):
    return "%s problem%s" % (len(problems) or "no", "" if len(problems) == 1 else "s")


def _row(setting, found):
    return {
        "name": setting.name,
        "value": found.get(setting.name),
        "origin": found.origin(setting.name),
        "variable": setting.variable,
        "doc": setting.doc,
        "readers": list(setting.readers),
    }


def apply(context: typer.Context) -> None:
    """Let the options of the command that follows fall back to the settings; what is given, or in a variable, outweighs."""
    lenient = context.invoked_subcommand in _LENIENT or "--help" in sys.argv
    found = config.examine() if lenient else config.load()
    context.default_map = defaults(context.command, found, sys.argv)


def defaults(command, found: config.Config, words=()) -> dict:
    """Return the defaults of options by command, as click wants them; `words` are those of the command line."""
    tree: dict = {}
    for setting in SETTINGS:
        if setting.name not in found.values or setting.name.startswith("server.") and _outweighed(setting.name, words):
            continue
        for path, option in targets(command, setting):
            parameter = _parameter(command, path, option)
            if parameter:
                branch = tree
                for word in path:
                    branch = branch.setdefault(word, {})
                branch[parameter.name] = _text(setting.name, found.get(setting.name))
    return tree


def targets(command, setting) -> list[tuple[tuple[str, ...], str]]:
    """Return (path of a command, option) for each reader of a setting that is one."""
    found = []
    for reader in setting.readers:
        words, _, option = reader.rpartition(" ")
        if reader.startswith(_EVERY):
            found += [(path, option) for path in _paths(command) if _parameter(command, path, option)]
        elif option.startswith("--"):
            found.append((tuple(words.split()), option))
    return found


def _paths(command, path=()):
    for name, each in getattr(command, "commands", {}).items():
        if hasattr(each, "commands"):
            yield from _paths(each, (*path, name))
        else:
            yield (*path, name)


def _at(command, path):
    """Return the command at a path, None where there is none."""
    for name in path:
        command = getattr(command, "commands", {}).get(name)
    return command


def _parameter(command, path, option):
    """Return a command's parameter by its option, None where there is none."""
    return next((each for each in getattr(_at(command, path), "params", ()) if option in each.opts), None)


def _outweighed(name, words):
    """A folder that is named makes the URL of the settings meaningless, and the reverse."""
    other, variable = ("--url", URL) if name == "server.folder" else ("--dir", FOLDER)
    return any(word.split("=")[0] == other for word in words) or bool(os.environ.get(variable))


def _text(name, found):
    """Return what an option takes: of the token's file what stands in it."""
    if name == "server.token_file":
        return read(Path(found)).decode("utf-8", "replace").strip()
    return found
