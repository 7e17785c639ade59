"""Provisioning: who a board is, whom it trusts and how its flash is laid out, into its factory region.

    with open_chip("file:flash.bin", "sim_nor", write=True) as chip:
        provision(chip, make_facts(Device("p", "m", "sim:1"), [public], bundle, "sim_nor", chip.layout))

What is the same already is not written again, so that a run that was cut can be repeated as it was.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.errors import AgentError
from agent.journal import Journal
from agent.local import forget
from flash_tools import layouts
from flash_tools.boards import factory_region, first_firmware, wifi
from flash_tools.errors import NotFoundError, ToolError, UsageError
from flash_tools.signing import keys
from flash_tools.sim import sim_files

_TEXT_MOST = 64  # of product and model, as manifests may have them
_SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class Device:
    """Who the board is; `more` are further entries of DevInfo and DevDetail: Man, DmV, Lang, DevTyp, OEM, HwV."""

    product: str
    model: str
    device_id: str
    more: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What was done, or would be."""

    facts: dict = field(repr=False)
    size: int = 0
    room: int = 0
    written: bool = False  # False: it was there already
    finished: bool = False  # an earlier run was cut short, and has been brought to its end
    firmware: str = ""  # version of the first firmware that was written


def make_facts(device: Device, anchors: list[bytes], bundle: dict | None, board: str, layout) -> dict:
    """Return what the factory region is to say; `anchors` are public keys of 64 bytes, `bundle` is a server's account."""
    if not anchors:
        raise UsageError("a board that trusts no key can never be updated: name a public key with --anchor")
    info = {"DevId": device.device_id, "Man": "fumo-agent", "Mod": device.model, "DmV": "1.0", "Lang": "en"}
    info.update({"DevTyp": "device", "OEM": "fumo-agent", "SwV": "", "HwV": "1", **device.more})
    facts = {
        "product": device.product,
        "model": device.model,
        "device": info,
        "device_key": secrets.token_hex(16),
        "anchors": [[keys.key_id(public), public.hex()] for public in dict.fromkeys(anchors)],
        "accounts": [_account(bundle)] if bundle and "url" in bundle else [],
    }
    if bundle and bundle.get("ca_pem"):
        facts["ca_pem"] = bundle["ca_pem"]
    return placed(facts, board, layout)


def placed(facts: dict, board: str, layout) -> dict:
    """Return the facts with what the board is."""
    return {**facts, "board": board, "layout": [list(part) for part in layout]}


def check(facts: dict) -> None:
    """Raise UsageError for what a device could not use."""
    try:
        first_firmware.trust(facts)
    except (KeyError, ValueError, TypeError, AttributeError, AgentError) as e:
        raise UsageError("a device cannot use this provisioning: %s" % (e if str(e) else repr(e))) from None
    for name in ("product", "model"):
        if not isinstance(facts[name], str) or not 0 < len(facts[name]) <= _TEXT_MOST:
            raise UsageError("the %s has 1 to %d characters: name it with --%s" % (name, _TEXT_MOST, name))
    if not isinstance(facts["device"], dict) or not facts["device"].get("DevId"):
        raise UsageError("the board has no device id: name it with --id")
    if not facts["anchors"]:
        raise UsageError("a board that trusts no key can never be updated: name a public key with --anchor")
    for name, public in facts["anchors"]:
        if len(public) != 128 or name != keys.key_id(bytes.fromhex(public)):
            raise UsageError("the trust anchor %s is no key with its name: take a .pub.pem file" % name)
    if "wifi" in facts:
        wifi.check(facts["wifi"])
    for account in facts["accounts"]:
        if not account.get("url", "").startswith(_SCHEMES):
            raise UsageError("the account %s has no http:// or https:// URL" % account.get("server_id", ""))


def show(chip) -> tuple[dict, int]:
    """Return (what the factory region says, without secrets; how many copies are whole)."""
    found = factory_region.look(_region(chip))
    if not found.facts:
        raise NotFoundError("%s was never provisioned" % chip.target)
    try:
        shown = factory_region.without_secrets(found.facts)
    except (TypeError, ValueError, AttributeError):
        raise ToolError("nobody understands the factory region of %s: provision it anew" % chip.target) from None
    return shown, sum(text is not None for text in (found.first, found.second))


def is_provisioned(chip) -> bool:
    """Tell whether the board knows who it is."""
    return factory_region.look(_region(chip)).facts is not None


def board_before(chip) -> str:
    """Return the board's name as it was provisioned with, "" where it was not."""
    facts = factory_region.look(_region(chip)).facts
    return str(facts.get("board", "")) if facts else ""


def provision(
    chip, facts: dict | None, firmware: bytes | None = None, *, force: bool = False, dry_run: bool = False,
    ask: Callable[[str], bool] | None = None, say: Callable[[str], None] = lambda text: None, progress=None,
    networks: list | None = None,
) -> Outcome:  # fmt: skip
    """Write what is not there yet; `facts` None leaves the identity alone, `networks` None the WLANs that it knows.

    `ask(question)` may allow what else needs `force`.
    """
    region = _region(chip)
    found = factory_region.look(region)
    finished = found.cut_short and _finish(region, found, say, dry_run)
    before = found.facts
    facts = _merged(chip, facts, before, networks)
    check(facts)
    write = not before or _differs(facts, before)
    if write and _is_other(facts, before) and not (force or dry_run) and not (ask and ask(_question(chip, before))):
        raise ToolError("%s: --force writes it anew" % _question(chip, before).rstrip("?"))
    factory_region.check_size(region, facts)
    manifest = first_firmware.vet(firmware, facts, chip.regions(), chip.layout) if firmware else None
    if manifest and first_firmware.is_there(manifest, chip.regions(), facts):
        manifest = None
    if manifest:
        first_firmware.check_empty(chip.regions(), facts, force)
    if not dry_run:
        _write(chip, facts if write else None, before, say)
        if manifest:
            say("writing firmware %s" % manifest.version)
            first_firmware.install(firmware, facts, chip.regions(), chip.layout, progress)
    size = len(factory_region.pack(facts))
    return Outcome(facts, size, factory_region.room(region), write, finished, manifest.version if manifest else "")


def _write(chip, facts, before, say):
    """The settings go first: what servers changed belongs to the identity that is given up."""
    if not facts:
        return
    regions = chip.regions()
    if _is_other(facts, before) and "settings" in regions and Journal(regions["settings"]).keys():
        say("what servers have changed is forgotten")
        forget(Journal(regions["settings"]))
    factory_region.write(_region(chip), facts)


def _finish(region, found, say, dry_run):
    """An earlier run was cut short."""
    if not (found.first or found.second):
        say("an earlier run was cut before anything was whole: it is written anew")
        return False
    if not dry_run:
        factory_region.finish(region, found)
    done = "its second copy is written now" if found.first else "what was there before it is there again"
    say("an earlier run was cut short: " + done)
    return True


def _merged(chip, facts, before, networks):
    """Return the facts with what the same device had before and nobody has said anew: its key, its WLANs."""
    if facts is None:
        if not before:
            raise UsageError(
                "%s was never provisioned: say who it is, with --product, --model, --id and --anchor" % chip.target
            )
        facts = before
    elif before and _device_id(before) == _device_id(facts):
        facts = {**facts, **{name: before[name] for name in ("device_key",) if name in before}}
        facts = {**facts, **{name: before[name] for name in ("wifi",) if name in before and name not in facts}}
    return facts if networks is None else {**facts, "wifi": networks}


def _is_other(facts, before):
    """Tell whether more changes than the WLANs: then it is another identity that takes the place of the one before."""
    if before is None:
        return False
    return {**json.loads(factory_region.pack(facts)), "wifi": 0} != {**before, "wifi": 0}


def _differs(facts, before):
    return factory_region.pack(facts) != factory_region.pack(before)


def _question(chip, before):
    return "%s is provisioned as %s, write over it?" % (chip.target, _device_id(before))


def _device_id(facts):
    device = facts.get("device")
    return device.get("DevId") if isinstance(device, dict) else None


def _region(chip):
    """Return the factory region; one at another place would go on counting."""
    if chip.identity:
        return chip.identity
    written = layouts.written(chip.flash)
    if written and written != tuple(chip.layout):
        raise ToolError("%s was provisioned with another layout: erase its factory region first" % chip.target)
    regions = chip.regions()
    if "factory" not in regions:
        raise ToolError("this layout has no factory region: add one of two sectors, or name an EEPROM with --eeprom")
    return regions["factory"]


def _account(bundle):
    try:
        return sim_files.account(bundle)
    except (KeyError, ValueError, TypeError, AttributeError) as e:
        raise UsageError("the account is not one that a server gives: %r" % e) from None
