"""What holds for every command of `fumo`: help, --json, --dry-run, names of options, and a typed function behind it."""

import inspect
import re

import pytest
import typer

from flash_tools import cli, lists
from tests.host.cli_tree import commands, kind

COMMANDS = commands()
NAMES = [each.name for each in COMMANDS]

# A command that has no --json, and why.
NO_JSON = {
    "sim run": "its stdout is the stream of events",
}
# A command that writes nothing, or only the file that the user names for what it reads.
READS = {
    "campaign list", "campaign show", "config check", "config show", "device list", "device show", "dump",
    "flash info", "flash read", "flash verify", "keys show", "list", "monitor", "orders list", "orders show", "package diff",
    "package list", "package show", "package verify", "recover status", "server show", "status",
}  # fmt: skip
# What is not mended yet, and where; a rule that holds by now says so.
PENDING = {}
# A command that runs something until it is ended: what it writes is what that does.
RUNS = {"server run", "sim run"}
# Words that stay long, and what may take the same option in another sense.
SHORT = {"--board": "-b", "--output": "-o", "--dir": None}
OTHER_SENSE = {
    "--notify": "a switch for `order`, an address for `device`",
    "--version": "of firmware; the root's own says the tool's",
    "--key": "the private key to sign with, or the public one to check with",
    "--wait": "whether, for `order`, with --within; how long, for `device get`",
}


@pytest.fixture(params=COMMANDS, ids=NAMES)
def command(request):
    return request.param


def hold(command, good, why=""):
    """Assert a rule; a command that is pending may break it."""
    if not good and command.name in PENDING:
        pytest.xfail("pending in " + PENDING[command.name])
    assert good, why


def test_pending_is_pending():
    for each in COMMANDS:
        if each.name in PENDING:
            assert "--json" not in each.options or "--dry-run" not in each.options, "mended: take it out of PENDING"


def test_there_are_commands():
    assert len(COMMANDS) > 50 and "deploy" in NAMES and "flash write" in NAMES


def test_it_has_a_help_that_is_a_sentence(command):
    first = (command.click.help or "").strip().split("\n")[0]
    assert len(first) > 10 and first[0].isupper() and first.rstrip().endswith((".", ":", ";")), first


def test_every_group_has_a_help():
    for name, group in typer.main.get_command(cli.app).commands.items():
        assert (group.help or "").strip(), name


def test_its_options_have_a_help(command):
    silent = [
        each.opts[0] for each in command.click.params if each.opts[0][:2] == "--" and not getattr(each, "help", "")
    ]
    hold(command, silent == [], silent)


def test_it_has_json(command):
    hold(command, ("--json" in command.options) != (command.name in NO_JSON))


def test_it_has_dry_run_if_it_writes(command):
    hold(command, ("--dry-run" in command.options) != (command.name in READS | RUNS), "see READS")


def test_lists_name_commands_that_exist():
    assert set(NO_JSON) | READS | RUNS <= set(NAMES)


def test_names_of_options(command):
    for text in command.long_options:
        assert re.fullmatch(r"--[a-z][a-z0-9]*(-[a-z0-9]+)*", text), text
    for long, short in SHORT.items():
        if long in command.options and short:
            assert short in command.options[long].opts, "%s is %s too" % (long, short)
    for short in command.options.keys() - command.long_options:
        assert {text for text in SHORT if SHORT[text] == short} & set(command.options[short].opts), short


def test_an_option_means_the_same_everywhere():
    """The same word takes a value in all commands, or in none, and values of one kind."""
    kinds = {}
    for each in COMMANDS:
        for text in each.long_options - OTHER_SENSE.keys():
            option = each.options[text]
            kinds.setdefault(text, {}).setdefault(kind(option), []).append(each.name)
    assert {text: found for text, found in kinds.items() if len(found) > 1} == {}


def test_the_board_is_asked_for_in_one_way():
    for each in COMMANDS:
        option = each.options.get("--board")
        if option:
            assert option.envvar == "FUMO_BOARD" and "-b" in option.opts and option.type_descriptor.annotation is str, (
                each.name
            )


def test_the_function_behind_it_is_typed(command):
    function = command.function
    untyped = [name for name, each in inspect.signature(function).parameters.items() if each.annotation is each.empty]
    assert untyped == [], function
    assert function.__doc__, function


def test_the_index_is_current():
    assert "flash_tools/cli/index.py" not in lists.stale(), "run python -m flash_tools.lists"


def test_the_outline_shows_the_same_commands():
    """`fumo --help` does not load the commands, and must not say anything else for that."""
    outline, whole = (typer.main.get_command(made) for made in (cli.outline(), cli.app))
    shown = [[(name, (each.help or "").strip().split("\n\n")[0].replace("\n", " ")) for name, each in made.commands.items()]
             for made in (outline, whole)]  # fmt: skip
    assert shown[0] == shown[1]
