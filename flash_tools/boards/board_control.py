"""One board and what it runs: asked over its console where it runs (a Linux board over ssh), else read from its flash.

status("sim:dev0")["version"]
command("serial:/dev/ttyUSB0", "rollback")
"""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.job import STATE_FAILED, STATE_FAILED_HELD, STATE_READY
from flash_tools import chips
from flash_tools.boards.board_line import ANSWER_S, Console
from flash_tools.boards.board_offline import Offline
from flash_tools.boards.board_ssh import Agent
from flash_tools.chips.image_file import in_use
from flash_tools.errors import RefusedError, UsageError
from flash_tools.serial_line import LINK
from flash_tools.sim.sim_files import FLASH
from flash_tools.target import parse

KINDS = ("sim", "serial", "file", "spi", "mtd", "mpy", "ssh")
COMMANDS = ("confirm", "rollback", "request-update", "factory-reset")
FINE, ROLLED_BACK, UPDATE, ON_TRIAL = 0, 8, 10, 11  # exit codes of `fumo status`
_TRIAL_FAILED = 410
_LIVE = {
    "confirm": "the firmware on trial is kept",
    "rollback": "the board restarts with the firmware before",
    "request-update": "the board asks its server",
    "factory-reset": "the board forgets orders and settings, and restarts",
}


@dataclass(frozen=True)
class Done:
    """What a command has come to."""

    live: bool
    text: str


def status(
    board: str, *, layout: str | None = None, timeout_s: float = ANSWER_S, verify: bool = False, interrupt: bool = False
) -> dict:
    """Return how a board is; `live` tells whether it said so itself, else `in_use` whether a simulated one runs all the same.

    `verify` reads the images of a board that cannot be asked.
    """
    target = parse(board, *KINDS)
    if _is_live(target):
        with _console(target, timeout_s) as console:
            return {"live": True, **console.status()}
    with _offline(board, layout, False, interrupt) as offline:
        return {**offline.status(verify), "in_use": _in_use(target)}


def command(
    board: str, name: str, *, layout: str | None = None, timeout_s: float = ANSWER_S, dry_run: bool = False,
    interrupt: bool = False,
) -> Done:  # fmt: skip
    """Have a board do one of COMMANDS; RefusedError where it, or the same code here, refuses."""
    if name not in COMMANDS:
        raise UsageError("a board can %s, not %s" % (", ".join(COMMANDS), name))
    target = parse(board, *KINDS)
    if _is_live(target):
        with _console(target, timeout_s) as console:
            _foresee(name, console.status()) if dry_run else console.command(name)
        return Done(True, _LIVE[name])
    if name == "request-update":
        raise UsageError("%s does not run: only a board that runs can ask its server, name its console" % target)
    with _offline(board, layout, not dry_run, interrupt) as offline:
        return Done(False, getattr(offline, name.replace("-", "_"))(dry_run))


def exit_code(facts: dict) -> int:
    """Return what `fumo status` ends with."""
    phase = facts.get("phase")
    if facts.get("trial") or phase in ("arm", "trial"):
        return ON_TRIAL
    if phase in ("accepted", "download", "ready"):
        return UPDATE
    if rolled_back(facts):
        return ROLLED_BACK
    return UPDATE if facts.get("state") == STATE_READY else FINE


def rolled_back(facts: dict) -> bool:
    """Tell whether the last update came to nothing after its firmware had been tried."""
    failed = facts.get("code") == _TRIAL_FAILED and facts.get("state") in (STATE_FAILED_HELD, STATE_FAILED)
    return bool(facts.get("fell_back")) or failed


def _foresee(name, facts):
    """Refuse what the board's status says that it will refuse; what it finds out by reading its banks it alone knows."""
    phase = facts.get("phase")
    if name == "confirm" and phase != "trial":
        raise RefusedError("no firmware is on trial")
    if name == "factory-reset" and phase in ("arm", "trial"):
        raise RefusedError("firmware is on trial: confirm it or roll back first")
    if name in ("rollback", "request-update") and phase in ("accepted", "download", "ready"):
        raise RefusedError("an update is under way")


def _console(target, timeout_s):
    return (Agent if target.kind == "ssh" else Console)(target, timeout_s)


def _is_live(target):
    """Tell whether there is a line to ask: that of a simulated device is there while it runs with one."""
    return target.kind in ("serial", "ssh") or (target.kind == "sim" and (Path(target.place) / LINK).exists())


def _in_use(target):
    place = Path(target.place)
    return target.kind in ("sim", "file") and in_use(place / FLASH if target.kind == "sim" else place)


@contextmanager
def _offline(board, layout, write, interrupt):
    with chips.open_chip(board, layout, write, interrupt) as chip:
        yield Offline(chip)
