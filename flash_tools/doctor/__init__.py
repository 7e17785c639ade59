"""What is wrong on this machine, with the way to a server, or with a board. A file a family of checks.

Nothing is written, but by the write test of a chip where somebody wants it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flash_tools import chips, dump, serial_line
from flash_tools.doctor import chip, clock, devices, flash, line, linux, mpy_board, network, tools, watchdogs
from flash_tools.doctor.check import FAIL, Check, Host, fail, skip
from flash_tools.dump import factory
from flash_tools.errors import ToolError
from flash_tools.signing.keys import key_id, read_public_key
from flash_tools.target import Target, parse


def examine_host(host: Host | None = None) -> list[Check]:
    """Look at this machine."""
    host = host or devices.as_service(Host())
    found = [*tools.checks(), tools.settings(), *devices.checks(host), *watchdogs.checks(host), *clock.checks(host)]
    return found + _guarded("board", linux.checks(host))


def examine_server(url: str | None, ca_pem: str | None = None) -> list[Check]:
    """Look at the way to a server."""
    return list(network.checks(url, ca_pem) if url else network.nothing())


@dataclass(frozen=True)
class Look:
    """How a board is looked at: what lies where, a key that it should trust, and whether its flash may be written."""

    layout: str | None = None
    key: Path | None = None
    interrupt: bool = False
    write_test: bool = False
    region: str | None = None
    dry_run: bool = False


def examine_board(board: str, look: Look | None = None) -> list[Check]:
    """Look at a board: its flash where that can be read, its serial line where it has one."""
    look = look or Look()
    target = parse(board, *sorted({*chips.KINDS, *serial_line.KINDS}))
    found: list[Check] = []
    if target.kind == "mpy":
        return _micropython(target, look)
    if target.kind in chips.KINDS:
        found += _guarded("flash", _flash(board, look))
    if target.kind in serial_line.KINDS:
        found += _guarded("serial line", _line(target))
    return found


def _micropython(target, look) -> list[Check]:
    """Look at a MicroPython board: what its prompt shows, and its chip where it is known how that is wired."""
    found = _guarded("board", mpy_board.checks(target.place, look.interrupt))
    place = mpy_board.wiring(target.place, look.layout)
    if failed(found) and found[-1].name == "board":
        return found  # there is no prompt to ask for more
    if not place:
        return [
            *found,
            skip("flash", "nobody says how the chip is wired: --layout BOARD_FILE, or mpy:PORT?spi=0&cs=17"),
        ]
    return found + _guarded("flash", _flash("mpy:" + place, look))


def failed(found: list[Check]) -> bool:
    """Tell whether anything is wrong for sure."""
    return any(check.verdict == FAIL for check in found)


def _flash(board, look) -> Iterator[Check]:
    public = read_public_key(look.key) if look.key else None
    anchors = ((key_id(public), public),) if public else ()
    write = look.write_test and not look.dry_run
    with chips.open_chip(board, look.layout, write, look.interrupt) as opened:
        if opened.target.kind == "mpy":
            found = mpy_board.chip(opened, look.layout)
            yield from found
            if failed(found):
                return  # what is on it was not meant for it
        document = dump.look(opened.flash, look.layout, anchors, board)
        yield from flash.checks(document)
        yield from _account(opened.flash, document)
        yield from chip.checks(opened)
        if look.write_test:
            yield from chip.write_checks(opened, look.region, look.dry_run)


def _account(cells, document) -> Iterator[Check]:
    """Look at the way to the first account's server, as the board trusts it."""
    facts = _facts(cells, document)
    accounts = (facts or {}).get("accounts")
    first = accounts[0] if isinstance(accounts, list) and accounts and isinstance(accounts[0], dict) else None
    if not first or not isinstance(first.get("url"), str):
        yield skip("account", "the factory region names no server")
        return
    yield from network.checks(first["url"], facts.get("ca_pem"), prefix="account ")


def _facts(cells, document):
    from hal.region import Region

    for region in document["flash"]["layout"]:
        if region["region"] == "factory":
            return factory.facts_of(Region(cells, region["start"], region["size"]))
    return None


def _line(target: Target) -> Iterator[Check]:
    if target.kind == "sim" and not Path(serial_line.split(target)[0]).exists():
        yield skip("serial line", "the device does not run with one")
    else:
        yield from line.checks(target)


def _guarded(name, checks) -> list[Check]:
    """Return what came; an error that a user can mend is a check that failed."""
    found = []
    try:
        for check in checks:
            found.append(check)
    except ToolError as e:
        what, colon, do = str(e).rpartition(": ")
        known = do.startswith("check ")
        found.append(fail(name, what, do) if known else fail(name, str(e), "mend that, then look again"))
    return found
