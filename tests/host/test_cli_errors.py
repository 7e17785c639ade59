"""What a user does wrong is one line and a documented exit code, in every command; and scripts get an object."""

import json
import pathlib

import pytest

from flash_tools import errors
from tests.host.cli_tree import commands, kind
from tests.host.fumo_inside import inside

COMMANDS = commands()
NAMES = [each.name for each in COMMANDS]
DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "tools.md"
WRONG = {int: "many", float: "much"}


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("FUMO_BOARD", "FUMO_SERVER", "FUMO_URL", "FUMO_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return lambda *words, code: inside(capsys, monkeypatch, *words, code=code)


def needed(command, but=()):
    """Return words for everything that the command cannot do without."""
    words = []
    for each in command.click.params:
        if each.required and each.opts[0] not in but:
            words += ["1"] if each.opts[0][:1] != "-" else [each.opts[0], "1"]
    return words


def one_line(text):
    return len(text.strip().splitlines()) == 1 and text.startswith("fumo: ")


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_an_option_that_does_not_exist(command, run):
    _, said = run(*command.words, "--no-such-option", code=2)
    assert one_line(said) and "--help" in said


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_an_argument_too_many_or_too_few(command, run):
    if needed(command):
        _, said = run(*command.words, code=2)
        assert one_line(said), said
    if not any(each.nargs == -1 for each in command.click.params):
        _, said = run(*command.words, *needed(command), *["x"] * 9, code=2)
        assert one_line(said), said


@pytest.mark.parametrize(
    "command", [each for each in COMMANDS if "--board" in each.options], ids=lambda each: each.name
)
@pytest.mark.parametrize("board", ["", "x", "floppy:a", "spi:", ":x", "sim"])
def test_a_board_that_is_none(command, board, run):
    if not board and not command.options["--board"].required:
        pytest.skip("no board is needed")
    _, said = run(*command.words, *needed(command, ["--board"]), "--board", board, code=2)
    assert one_line(said), said


@pytest.mark.parametrize(
    "command", [each for each in COMMANDS if "--board" in each.options], ids=lambda each: each.name
)
def test_no_board_at_all(command, run):
    if command.options["--board"].required:
        _, said = run(*command.words, *needed(command, ["--board"]), code=2)
        assert one_line(said) and "--board" in said


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_a_number_that_is_none(command, run):
    for text in sorted(command.long_options):
        wrong = WRONG.get(kind(command.options[text]))
        if wrong:
            _, said = run(*command.words, *needed(command), text, wrong, code=2)
            assert one_line(said) and text in said, said


@pytest.mark.parametrize(
    "command",
    [
        each
        for each in COMMANDS
        if {"--dir", "--url", "--token", "--ca"} <= each.options.keys() and each.name != "notify"
    ],
    ids=lambda each: each.name,
)
def test_a_server_that_is_not_there(command, run):
    words = needed(command)
    for more, code in (
        (("--url", "http://127.0.0.1:9", "--token", "t"), 1),
        (("--url", "http://127.0.0.1:9"), 1),
        ((), 1),
    ):
        _, said = run(*command.words, *words, *more, code=code)
        assert one_line(said), said


NAMED = [("flsh",), ("flash", "read"), ("keys", "new"), ("deploy", "--board")]


@pytest.mark.parametrize("words, name", zip(NAMED, ("", "flash read", "keys new", "deploy"), strict=True))
def test_scripts_get_an_object(words, name, run):
    out, said = run(*words, "--json", code=2)
    answer = json.loads(out)
    assert answer["ok"] is False and answer["exit_code"] == 2 and said == "fumo: %s\n" % answer["error"]
    assert answer["command"] == name and answer["version"] == 1


def test_exit_codes_are_their_own():
    found = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.ToolError)]
    codes = [each.exit_code for each in found]
    assert sorted(codes) == [1, 2, 3, 4, 5, 6, 7, 130]  # 8, 10 and 11 are what `fumo status` found, no errors


def test_exit_codes_are_documented():
    if not DOCS.exists():
        pytest.skip("docs/tools.md is not written yet")
    text = DOCS.read_text()
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 130):
        assert "| %d |" % code in text, code
