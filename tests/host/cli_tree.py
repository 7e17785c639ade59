"""The commands of `fumo`, found by looking into the app itself, so that a new command is checked without being named."""

import inspect

import typer

from flash_tools import cli


class Command:
    """One command: its words, what typer knows of it, and the function behind it."""

    def __init__(self, words, click_command):
        self.words, self.click = words, click_command
        self.name = " ".join(words)
        self.function = inspect.unwrap(click_command.callback)

    @property
    def options(self):
        """Return {--option: click's option}, every spelling."""
        return {
            text: each for each in self.click.params for text in (*each.opts, *each.secondary_opts) if text[:1] == "-"
        }

    @property
    def long_options(self):
        """Return the spellings with two dashes."""
        return {text for text in self.options if text[:2] == "--"}


def kind(option):
    """Return what an option takes: bool, int, float, or a text in the end."""
    wanted = option.type_descriptor.annotation
    return wanted if wanted in (bool, int, float) else str


def commands():
    """Return all commands, sorted."""
    return sorted(_walk((), typer.main.get_command(cli.app)), key=lambda each: each.words)


def _walk(words, node):
    for name, child in getattr(node, "commands", {}).items():
        yield from _walk((*words, name), child)
    if words and not hasattr(node, "commands"):
        yield Command(words, node)
