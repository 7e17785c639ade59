"""`fumo provision`: who a board is and whom it trusts, into its factory region; the first firmware of a blank chip, too."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from flash_tools.boards import factory_region, wifi
from flash_tools.boards import provision as work
from flash_tools.chips import open_chip
from flash_tools.chips.eeprom import open_identity
from flash_tools.cli.output import DryRun, Json, read, result, say, show_fields
from flash_tools.enrolment import keep_bundle, read_bundle
from flash_tools.errors import ToolError, UsageError
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from flash_tools.target import Board

_COMMAND = "provision"
_SHOW = "Show what is there, and write nothing."
_EEPROM = "Where the identity is, if not on the chip: i2c:BUS:ADDRESS[?size=4096&page=32], or an image."
_WIFI = (
    "Name of a WLAN to join; several, '' forgets them. Its key comes from --wifi-key, FUMO_WIFI_KEY, or is asked for."
)
_WIFI_KEY = "Text file with the keys, a line for each --wifi, an empty one for an open network."
_FIRMWARE = "The first firmware of a blank chip, a signed package: bank 0 and the boot record."


def register(app) -> None:
    """Add the command to `fumo`."""
    app.command(_COMMAND)(provision)


def provision(
    board: Board,
    layout: Annotated[str | None, typer.Option(help="A board file's name, or a JSON file of regions.")] = None,
    board_name: Annotated[str | None, typer.Option(help="Name of the board, that of the layout otherwise.")] = None,
    product: Annotated[str | None, typer.Option(help="What packages are made for.")] = None,
    model: Annotated[str | None, typer.Option(help="The model in it.")] = None,
    device_id: Annotated[str | None, typer.Option("--id", help="DevId, where the account names none.")] = None,
    man: Annotated[str | None, typer.Option(help="Manufacturer.")] = None,
    hardware: Annotated[str | None, typer.Option(help="Version of the hardware.")] = None,
    info: Annotated[list[str] | None, typer.Option(help="Mod, DmV, Lang, DevTyp or OEM=VALUE; several.")] = None,
    anchor: Annotated[list[Path] | None, typer.Option(help="Public key that signs updates; several.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="JSON of the account, as a server gives it.")] = None,
    account: Annotated[list[str] | None, typer.Option(help="KEY=VALUE of the bundle; may be given again.")] = None,
    ca: Annotated[Path | None, typer.Option(help="PEM of the authority to trust.")] = None,
    enrol: Annotated[str | None, typer.Option(help="URL of a server to enrol at, instead of a bundle.")] = None,
    token: Annotated[str | None, typer.Option(help="The one-time token of `fumo device enrol-token`.")] = None,
    save: Annotated[Path, typer.Option(help="Where --enrol keeps the account.")] = Path("bundle.json"),
    facts: Annotated[Path | None, typer.Option(help="All of it as JSON: a provision.json.")] = None,
    wifi_name: Annotated[list[str] | None, typer.Option("--wifi", help=_WIFI)] = None,
    wifi_key: Annotated[Path | None, typer.Option(help=_WIFI_KEY)] = None,
    firmware: Annotated[Path | None, typer.Option(help=_FIRMWARE)] = None,
    eeprom: Annotated[str | None, typer.Option(help=_EEPROM)] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    show: Annotated[bool, typer.Option("--show", help=_SHOW)] = False,
    interrupt: Annotated[bool, typer.Option("--interrupt", help="mpy: stop the program that runs there.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Tell a board who it is and whom it trusts; says what it does not need to write again."""
    who = _Who(product, model, device_id, {"Man": man, "HwV": hardware, **_pairs(info or [])}, anchor or [])
    source = _Source(bundle, account or [], ca, enrol, token, save)
    write = not (dry_run or show)
    networks = wifi.networks(wifi_name, wifi_key) if wifi_name and not show else None
    with open_chip(board, layout, write, interrupt) as chip, open_identity(eeprom, write) as chip.identity:
        if show:
            _show(chip, as_json)
            return
        name = board_name or _name_of(chip, layout)
        found = _made(chip, facts, who, source, name, force, dry_run)
        _write(chip, found, networks, firmware, force, dry_run, as_json)


@dataclass(frozen=True)
class _Who:
    product: str | None
    model: str | None
    device_id: str | None
    more: dict
    anchors: list[Path]


@dataclass(frozen=True)
class _Source:
    """Where the account comes from."""

    bundle: Path | None
    changes: list[str]
    ca: Path | None
    enrol: str | None
    token: str | None
    save: Path


def _made(chip, file, who, source, name, force, dry_run):
    """Return the facts that the options make, None where they say nothing."""
    if file:
        return work.placed(_read_facts(file), name, chip.layout)
    if not (who.anchors or who.product or who.model or who.device_id):
        return None
    given = read_bundle(source.bundle, source.changes, source.ca)
    if source.enrol and not dry_run:
        given = _enrolled(chip, source, who, given, force)
    anchors = [keys.read_public_key(path) for path in who.anchors]
    return work.make_facts(_device(who, given), anchors, given, name, chip.layout)


def _write(chip, facts, networks, firmware, force, dry_run, as_json):
    if not (facts or firmware) and networks is None:
        raise UsageError("nothing is said: --product, --model, --id and --anchor, or --facts FILE, or --show")
    package = read(firmware) if firmware else None
    ask = None if as_json or not sys.stdin.isatty() else typer.confirm
    more = {"force": force, "dry_run": dry_run, "ask": ask, "say": say, "networks": networks}
    outcome = work.provision(chip, facts, package, **more)
    if chip.target.kind == "sim" and (facts or networks is not None) and not dry_run:
        _write_beside(Path(chip.target.place), outcome)
    _tell(chip.target, outcome, dry_run, as_json)


def _write_beside(folder, outcome):
    """Write the file of a simulated device, too; it comes after the flash, so a run that was cut may have left it as it was."""
    if outcome.written or not sim_files.has_provision(folder, outcome.facts):
        if not outcome.written:
            say("an earlier run was cut short: %s is written now" % (folder / sim_files.PROVISION))
        sim_files.write_provision(folder, outcome.facts)


def _name_of(chip, layout):
    """Return the board's name: that of its file, or what the flash has said before."""
    if layout and not layout.endswith(".json"):
        return layout
    return "sim_nor" if chip.target.kind == "sim" else work.board_before(chip)


def _pairs(texts):
    pairs = [text.partition("=") for text in texts]
    if not all(name and equals for name, equals, _ in pairs):
        raise UsageError("--info wants NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _device(who, given):
    """Return who it is; the account knows it too, where a server made it."""
    device_id = who.device_id or given.get("device_id") or ""
    wanted = {"--product": who.product, "--model": who.model, "--id": device_id}
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        raise UsageError("who the board is lacks " + " and ".join(missing))
    return work.Device(who.product, who.model, device_id, {name: text for name, text in who.more.items() if text})


def _enrolled(chip, source, who, given, force):
    """Enrol; a token is good for once, hence what else can be wrong is looked at first, and what it brought is kept."""
    if not source.token:
        raise UsageError("--enrol needs --token: `fumo device enrol-token` makes one")
    if not who.device_id:
        raise UsageError("--enrol needs --id")
    if source.save.exists():
        raise ToolError(f"{source.save} exists: use it with --bundle, or name another file with --save")
    if work.is_provisioned(chip) and not force:
        raise ToolError(f"{chip.target} is provisioned: --force writes it anew, --show shows it")
    bundle = keep_bundle(source.save, source.enrol, source.token, who.device_id, who.model or "", given.get("ca_pem"))
    return {**given, **{name: value for name, value in bundle.items() if value is not None}}


def _read_facts(path):
    try:
        facts = json.loads(read(path))
    except (ValueError, RecursionError):
        raise ToolError(f"{path} is no JSON") from None
    if not isinstance(facts, dict):
        raise ToolError(f"{path} is no provisioning: it should be as agent/identity.py describes it")
    return facts


def _show(chip, as_json):
    facts, copies = work.show(chip)
    try:
        lines = _lines(facts)
    except (TypeError, ValueError, AttributeError):  # somebody else wrote it
        raise ToolError("nobody understands the factory region of %s: provision it anew" % chip.target) from None
    result(_COMMAND, as_json, {"board": str(chip.target), "copies": copies, "facts": facts})
    if not as_json:
        show_fields({**lines, "copies": "%d of 2 are whole" % copies})
    if copies < 2:
        say("an earlier run was cut short: run it again")


def _tell(target, outcome, dry_run, as_json):
    shown = factory_region.without_secrets(outcome.facts)
    fields = {"board": str(target), "dry_run": dry_run, "written": outcome.written and not dry_run}
    fields.update(
        {"finished": outcome.finished, "firmware": outcome.firmware, "bytes": outcome.size, "room": outcome.room}
    )
    result(_COMMAND, as_json, {**fields, "facts": shown})
    if not as_json:
        show_fields({**_lines(shown), "size": "%d of %d bytes" % (outcome.size, outcome.room)})
    if dry_run:
        say("this would be written" if outcome.written else "the identity is there already")
    else:
        say("%s is provisioned%s" % (target, "" if outcome.written else " already, nothing is written"))
    if outcome.firmware:
        say("firmware %s %s" % (outcome.firmware, "would be written" if dry_run else "is there and will start"))


def _lines(facts):
    """Return what people see: one line a fact."""
    device, accounts = facts.get("device", {}), facts.get("accounts", ())
    lines = {"product": facts.get("product"), "model": facts.get("model"), **device}
    lines["anchors"] = ", ".join(facts["anchors"])
    lines["accounts"] = "\n".join("%s at %s" % (each.get("server_id"), each.get("url")) for each in accounts) or "none"
    lines["authority"] = "%d bytes" % facts["ca_bytes"] if facts["ca_bytes"] else "none"
    lines["WLANs"] = ", ".join(facts.get("wifi", ())) or "none"
    lines["board"] = facts.get("board")
    lines["layout"] = "\n".join("%-9s 0x%06x %8d" % tuple(part) for part in facts.get("layout", ()))
    return lines
