"""`fumo status`, `confirm`, `rollback`, `request-update`, `factory-reset`: one board, and what it runs."""

from typing import Annotated

import typer

from flash_tools.boards import board_control as work
from flash_tools.boards import fumo_words
from flash_tools.cli.output import DryRun, Json, Yes, result, say, show_fields, show_table, sure
from flash_tools.errors import UsageError
from flash_tools.target import Board

Layout = Annotated[str | None, typer.Option(help="A board file's name, or a JSON file of regions.")]
Timeout = Annotated[float, typer.Option(help="Seconds to wait for an answer.")]
Interrupt = Annotated[
    bool, typer.Option("--interrupt", help="mpy: stop the program that runs there, start it again at the end.")
]
Verify = Annotated[bool, typer.Option("--verify", help="Read the images too, where the board does not run.")]
_SILENT = ("does not run, this is what its flash holds", "runs, without a line to ask it: this is what its flash holds")
_BANK = ("bank", "state", "version", "counter", "size")


def register(app) -> None:
    """Add the commands to `fumo`."""
    app.command("status")(status)
    app.command("confirm")(confirm)
    app.command("rollback")(rollback)
    app.command("request-update")(request_update)
    app.command("factory-reset")(factory_reset)


def status(
    board: Board, layout: Layout = None, timeout: Timeout = work.ANSWER_S, verify: Verify = False,
    interrupt: Interrupt = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Say how a board is. Exit code: 0 nothing is under way, 10 an update is, 11 firmware is on trial, 8 it was rolled back."""
    facts = work.status(board, layout=layout, timeout_s=_positive(timeout), verify=verify, interrupt=interrupt)
    code = work.exit_code(facts)
    result("status", as_json, {"board": board, "exit_code": code, "status": facts})
    if not as_json:
        _show(facts)
    raise typer.Exit(code)


def confirm(
    board: Board, layout: Layout = None, timeout: Timeout = work.ANSWER_S, interrupt: Interrupt = False,
    dry_run: DryRun = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Keep the firmware on trial: neither its time nor a server is waited for, a failed self-test still counts."""
    _do("confirm", board, layout, timeout, interrupt, dry_run, as_json)


def rollback(
    board: Board, layout: Layout = None, timeout: Timeout = work.ANSWER_S, interrupt: Interrupt = False,
    dry_run: DryRun = False, as_json: Json = False,
) -> None:  # fmt: skip
    """End a trial, or try the firmware before the one that runs."""
    _do("rollback", board, layout, timeout, interrupt, dry_run, as_json)


def request_update(
    board: Board, timeout: Timeout = work.ANSWER_S, dry_run: DryRun = False, as_json: Json = False
) -> None:  # fmt: skip
    """Have a board that runs ask its server for an update."""
    _do("request-update", board, None, timeout, False, dry_run, as_json)


def factory_reset(
    board: Board, layout: Layout = None, timeout: Timeout = work.ANSWER_S, interrupt: Interrupt = False,
    yes: Yes = False, dry_run: DryRun = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Forget orders and what servers have changed: what provisioning gave is left."""
    if not dry_run:
        sure("forget the orders and settings of %s" % board, yes)
    _do("factory-reset", board, layout, timeout, interrupt, dry_run, as_json)


def _do(name, board, layout, timeout, interrupt, dry_run, as_json):
    seconds = _positive(timeout)
    done = work.command(board, name, layout=layout, timeout_s=seconds, dry_run=dry_run, interrupt=interrupt)
    result(name, as_json, {"board": board, "live": done.live, "dry_run": dry_run, "text": done.text})
    say("%s%s" % ("would be done: " if dry_run else "", done.text))


def _positive(seconds):
    if not 0 < seconds <= 3600:
        raise UsageError("--timeout is a number of seconds, 3600 at most")
    return seconds


def _show(facts):
    """Print what matters first."""
    bank = "bank %s%s" % (facts.get("bank"), ", on trial" if facts.get("trial") else "")
    state, code = facts.get("state"), facts.get("code")
    lines = {"board": "runs" if facts["live"] else _SILENT[bool(facts.get("in_use"))]}
    for name in ("product", "model", "device", "layout"):
        lines[name] = facts.get(name, "")
    lines["firmware"] = "%s in %s, security counter %s" % (facts.get("version"), bank, facts.get("counter"))
    lines["state"] = "%s, %s (%s)" % (state, fumo_words.state(state), facts.get("phase", ""))
    if code:
        lines["last result"] = "%s, %s" % (code, fumo_words.result(code))
    if facts.get("held"):
        lines["held"] = "version %s" % facts["held"]
    if facts.get("result"):
        lines["to be told"] = "result %s waits for its server" % facts["result"]
    if facts.get("fell_back"):
        lines["fallen back"] = "the firmware that was confirmed last kept crashing"
    if facts["live"] and "uptime_ms" in facts:
        lines["up"] = "%s s, clock %s" % (facts["uptime_ms"] // 1000, "known" if facts.get("clock") else "not known")
    show_fields(lines)
    banks = facts.get("banks") or []
    columns = [*_BANK, "whole"] if any("whole" in each for each in banks) else list(_BANK)
    show_table("", columns, [[each.get(name) for name in columns] for each in banks])
