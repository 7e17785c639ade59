"""The command `fumo`: thin wrappers of functions that scripts can call themselves, a file for each of its commands.

Data on stdout, words for people on stderr. This file loads nothing until `main` runs: a Ctrl-C that comes early ends in
one line, too.
"""

import importlib
import sys

_SHOWN = ("GROUPS", "SINGLE", "app", "build", "outline")  # of commands.py


def __getattr__(name):
    if name in _SHOWN:
        return getattr(importlib.import_module("flash_tools.cli.commands"), name)
    raise AttributeError("module %r has no attribute %r" % (__name__, name))


def main() -> None:
    """Run `fumo`; what the user can mend is one line and an exit code."""
    sys.exit(_main())


def _main():
    try:
        from flash_tools.errors import ToolError

        try:
            from flash_tools.cli import commands

            return commands.run()
        except ToolError as e:
            return _fail(str(e), e.exit_code)
    except KeyboardInterrupt:
        _deaf()
        return _fail("interrupted: the same command begins again, or goes on", 130)


def _fail(text, code):
    """Say what went wrong, on stderr whatever has become of stdout."""
    import json
    from contextlib import suppress

    from flash_tools.cli.output import VERSION, say

    try:
        if "--json" in sys.argv:
            said = {
                "version": VERSION,
                "command": _command(sys.argv[1:]),
                "ok": False,
                "error": text,
                "exit_code": code,
            }
            print(json.dumps(said))
        sys.stdout.flush()
    except OSError:
        silence()
    with suppress(OSError):
        say(f"fumo: {text}")
    return code


def _command(words):
    """Return the command that was meant, as its result would name it."""
    from flash_tools.cli.index import COMMANDS

    while words and words[0].startswith("-"):
        words = words[1 if "=" in words[0] else 2 :]
    if not words or words[0] not in COMMANDS:
        return ""
    is_group = COMMANDS[words[0]][1] and words[1:] and not words[1].startswith("-")
    return " ".join(words[: 2 if is_group else 1])


def silence() -> None:
    """Let nothing more come out of stdout: who read it has gone, or there is no room."""
    import os
    from contextlib import suppress

    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _deaf():
    """A second Ctrl-C changes nothing any more."""
    import signal
    from contextlib import suppress

    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
