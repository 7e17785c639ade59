"""A board that runs, over its console line: a command goes out, its answer is looked for among the events that come."""

import json
import termios
import time

import serial

from flash_tools.errors import RefusedError, SilentError, ToolError
from flash_tools.serial_line import open_line
from flash_tools.target import Target

ANSWER_S = 10.0
_READ_S = 0.1
_PIECE = 4096
_LONGEST = 1 << 16  # of a line
_ANY = (str, int, float, bool, type(None))
_TYPES = {"banks": list, "trial": bool, "fell_back": bool, "clock": bool}
_TYPES.update(dict.fromkeys(("state", "code", "result", "uptime_ms", "bank", "confirmed"), int))
_TYPES.update(dict.fromkeys(("phase", "version", "product", "model", "device", "layout"), str))


def sane(facts: dict) -> dict:
    """Return what a board says of itself, without values of another kind than is said: it may be anybody's board."""
    kept = {name: value for name, value in facts.items() if isinstance(value, _TYPES.get(name, _ANY))}
    kept["banks"] = [bank for bank in kept.get("banks", ()) if isinstance(bank, dict)]
    return kept


def parse_status(line: str) -> dict | None:
    """Return the facts of a line `status {...}`, None where it is damaged."""
    try:
        return json.loads(line[len("status ") :])
    except (ValueError, RecursionError):
        return None


class Console:
    """The line of one board, for one program at a time."""

    def __init__(self, target: Target, timeout_s: float = ANSWER_S) -> None:
        self._target, self._timeout_s = target, timeout_s
        self._line = open_line(target, _READ_S)
        self._text = b""

    def status(self) -> dict:
        """Return what the board says of itself."""
        facts = parse_status(self._ask("status", ("status {",)))
        if facts is None:
            raise SilentError("%s answers, but its answer is damaged: is the baud rate right?" % self._target)
        return sane(facts)

    def command(self, name: str) -> None:
        """Have something done; what the board refuses is a RefusedError."""
        answer = self._ask(name, ("done %s" % name, "refused %s: " % name))
        if answer.startswith("refused "):
            raise RefusedError("%s refuses: %s" % (self._target, answer.partition(": ")[2]))

    def _ask(self, name, beginnings):
        """Send the command behind an empty line, which ends whatever was typed before; return the line of the answer."""
        try:
            self._line.reset_input_buffer()
            self._line.write(b"\n" + name.encode() + b"\n")
            return self._answer(name, beginnings)
        except (serial.SerialException, OSError, termios.error):
            raise SilentError("the line of %s dropped before it answered: ask again" % self._target) from None

    def _answer(self, name, beginnings):
        deadline = time.monotonic() + self._timeout_s
        while time.monotonic() < deadline:
            for line in self._lines():
                if line.startswith(beginnings):
                    return line
                if line == "error no such command: " + name:
                    raise ToolError(
                        "the firmware of %s does not know the command %s: it is too old" % (self._target, name)
                    )
        text = "%s does not answer within %g s: is it the console, and does the board run? In recovery it does not"
        raise SilentError(text % (self._target, self._timeout_s))

    def _lines(self):
        self._text = (self._text + self._line.read(max(1, min(self._line.in_waiting, _PIECE))))[-_LONGEST:]
        *lines, self._text = self._text.split(b"\n")
        return [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines]

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        self._line.close()
