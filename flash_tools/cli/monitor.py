"""`fumo monitor`: the console of a board."""

import json
import os
import queue
import signal
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from flash_tools.boards import monitor as work
from flash_tools.boards.monitor_words import BAD, GOOD, NEWS, WARN
from flash_tools.cli.output import VERSION, say
from flash_tools.deploy.crash_map import CrashMap, Translator
from flash_tools.errors import StoppedError, ToolError, UsageError
from flash_tools.target import Board, parse

_COLOURS = {GOOD: "green", BAD: "red", WARN: "yellow", NEWS: "cyan"}
_WIDTH = 32  # of a line, before what it means


def register(app) -> None:
    """Add the command to `fumo`."""
    app.command("monitor")(monitor)


def monitor(
    board: Board,
    until: Annotated[str | None, typer.Option(metavar="TEXT", help="End with 0 when a line has this text.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds; with --until the end is then 7.")] = None,
    log: Annotated[Path | None, typer.Option(metavar="FILE", help="Add all lines to this file.")] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Map of the firmware, where another computer made it.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="All bytes as they come, nothing else.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
) -> None:
    """Show what a board says, with the time and what it means; lines that are typed are sent. Ctrl-C ends it."""
    if raw and as_json:
        raise UsageError("--raw or --json, not both")
    if timeout is not None and not 0 < timeout < 1e9:
        raise UsageError("--timeout is a number of seconds")
    target = parse(board, *work.KINDS)
    with ExitStack() as stack:
        shown = [] if raw else [_show_json if as_json else _Screen().show]
        if log:
            shown.append(_Log(stack.enter_context(_open(log))).show)
        typed = _type() if sys.stdin else None
        watcher = work.Monitor(
            target, lambda entry: [show(entry) for show in shown], show_bytes=_show_bytes if raw else None, typed=typed,
            translator=Translator(_read_map(map_file) if map_file else None),
        )  # fmt: skip
        try:
            watcher.run(until, timeout)
        except KeyboardInterrupt:
            raise StoppedError("interrupted") from None


class _Screen:
    """Entries for people; NO_COLOR and pipes are rich's matter."""

    def __init__(self):
        self._console = Console(highlight=False, soft_wrap=True, emoji=False)

    def show(self, entry):
        """Print one."""
        if entry.notice:
            say(entry.line)
            return
        text = Text().append(_stamp(entry.at) + " ", style="dim")
        text.append(entry.line, style=_COLOURS.get(entry.kind, ""))
        if entry.text:
            text.append(" " * max(_WIDTH - len(entry.line), 1) + " " + entry.text, style="dim")
        self._console.print(text)
        self._console.file.flush()


class _Log:
    def __init__(self, file):
        self._file = file

    def show(self, entry):
        """Add one."""
        day = time.strftime("%Y-%m-%d", time.localtime(entry.at))
        try:
            self._file.write("%s %s %s%s\n" % (day, _stamp(entry.at), "# " if entry.notice else "", entry.line))
            self._file.flush()
        except OSError as e:
            raise ToolError(f"cannot write {self._file.name}: {e.strerror}") from None


def _show_json(entry):
    print(json.dumps({"version": VERSION, "command": "monitor", **entry.fields()}), flush=True)


def _show_bytes(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _stamp(at):
    return time.strftime("%H:%M:%S", time.localtime(at)) + ".%03d" % (at * 1000 % 1000)


def _open(path):
    try:
        return open(path, "a", encoding="utf-8")
    except OSError as e:
        raise ToolError(f"cannot write {path}: {e.strerror}") from None


def _read_map(path):
    try:
        return CrashMap(path.read_text())
    except (OSError, ValueError) as e:
        raise ToolError(f"cannot read {path}: {e}") from None


def _type():
    """Return a queue of what is typed."""
    lines = queue.SimpleQueue()
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)  # in the background a terminal has nothing to say

    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    return lines


def _read(lines):
    """Read past Python's buffer, whose lock a thread must not have when the process ends."""
    text = b""
    with suppress(OSError, ValueError):
        while data := os.read(sys.stdin.fileno(), 4096):
            *whole, text = (text + data).split(b"\n")
            for line in whole:
                lines.put(line.decode("utf-8", "replace"))
