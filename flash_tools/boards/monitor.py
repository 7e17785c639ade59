"""Watches the console of a board: lines with their time and what they mean, for as long as wanted, through resets of the board.

watch(parse("serial:/dev/ttyUSB0"), lambda entry: print(entry.line), until="result 200", timeout_s=60)
"""

import queue
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import serial

from flash_tools.boards import board_ssh
from flash_tools.boards.monitor_words import OTHER, WARN, Meaning, explain
from flash_tools.cli.output import plain
from flash_tools.deploy.crash_map import Translator
from flash_tools.errors import BusyError, NotFoundError, SilentError
from flash_tools.serial_line import KINDS as LINES
from flash_tools.serial_line import open_line
from flash_tools.target import Target

KINDS = (*LINES, "ssh")
_READ_S = 0.1
_AGAIN_S = 0.2
_PIECE = 4096
_LONGEST = 4096  # of a line that does not end: shown in pieces
_OPEN_S = 10.0  # for a connection over ssh
_GONE = "the line is gone: waiting for it to come back"
_BACK = "the line is back"


@dataclass(frozen=True)
class Entry:
    """One line, harmless to terminals; `kind` and `text` as in monitor_words. A `notice` is the monitor's own word."""

    at: float
    line: str
    kind: str = OTHER
    text: str = ""
    notice: bool = False

    def fields(self) -> dict:
        """Return it for JSON."""
        return asdict(self)


class Lines:
    """Bytes as they come, into entries."""

    def __init__(self, translator: Translator | None = None) -> None:
        self._rest, self._translator = b"", translator or Translator()

    def feed(self, data: bytes, at: float) -> list[Entry]:
        """Take bytes; return the lines that have ended."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) >= _LONGEST:
            lines.append(self._rest[:_LONGEST])
            self._rest = self._rest[_LONGEST:]
        return [self._entry(line, at) for line in lines]

    def end(self, at: float) -> list[Entry]:
        """Return what never ended."""
        rest, self._rest = self._rest, b""
        return [self._entry(rest, at)] if rest.strip() else []

    def _entry(self, line, at):
        text = plain(line.rstrip(b"\r").decode("utf-8", "replace").replace("\t", "    "))
        place = self._translator.explain(text)
        meaning = Meaning(WARN, place) if place else explain(text)
        return Entry(at, text, meaning.kind, meaning.text)


class Monitor:
    """`show(entry)` hears every line, `show_bytes(data)` all that comes as it comes; `typed` is a queue of lines to send.

    `translator` leads tracebacks back to the tree.
    """

    def __init__(
        self, target: Target, show: Callable[[Entry], None], *, show_bytes: Callable[[bytes], None] | None = None,
        typed: queue.SimpleQueue | None = None, translator: Translator | None = None,
    ) -> None:  # fmt: skip
        self._target, self._show, self._show_bytes = target, show, show_bytes
        self._typed = typed or queue.SimpleQueue()
        self._lines, self._until, self._deadline = Lines(translator), None, None

    def run(self, until: str | None = None, timeout_s: float | None = None) -> None:
        """Watch until a line has that text, or for so long; a text that never comes is a SilentError."""
        self._until = until
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
        line = self._open()
        try:
            while self._left_s() > 0:
                if line is None:
                    line = self._again()
                elif self._look(line):
                    return
                elif not self._send(line):
                    line = self._lose(line)
        finally:
            if line:
                line.close()
        if self._tell(self._lines.end(time.time())):
            return
        if until is not None:
            raise SilentError("%s has not said %r within %g s" % (self._target, plain(until), timeout_s))

    def _left_s(self):
        return _OPEN_S if self._deadline is None else self._deadline - time.monotonic()

    def _open(self):
        if self._target.kind == "ssh":
            return board_ssh.Line(self._target, _READ_S, min(_OPEN_S, self._left_s()))
        return open_line(self._target, _READ_S)

    def _look(self, line):
        """Take what comes; tell whether the text was in it."""
        try:
            data = line.read(max(1, min(line.in_waiting, _PIECE)))
        except (serial.SerialException, OSError):
            line.close()
            return False
        if data and self._show_bytes:
            self._show_bytes(data)
        return self._tell(self._lines.feed(data, time.time()))

    def _tell(self, entries):
        found = False
        for entry in entries:
            self._show(entry)
            found = found or (self._until is not None and self._until in entry.line)
        return found

    def _send(self, line):
        """Send what was typed; tell whether the line is there."""
        while line.is_open and not self._typed.empty():
            try:
                line.write(self._typed.get().encode() + b"\n")
            except (serial.SerialException, OSError):
                line.close()
        return line.is_open

    def _lose(self, line):
        self._tell(self._lines.end(time.time()))
        self._show(Entry(time.time(), _GONE, WARN, notice=True))

    def _again(self):
        """Return the line if it is there again; a board that resets on USB is away for a second or two."""
        try:
            line = self._open()
        except (NotFoundError, BusyError, SilentError):
            time.sleep(_AGAIN_S)
            return None
        self._show(Entry(time.time(), _BACK, notice=True))
        return line


def watch(target: Target, show: Callable[[Entry], None], *, until=None, timeout_s=None, **more) -> None:
    """Watch a board's console; see Monitor."""
    Monitor(target, show, **more).run(until, timeout_s)
