"""Which keys a device trusts: of the JSON that it was provisioned with, or of its flash, where its firmware has a say, too."""

import json
from dataclasses import dataclass
from pathlib import Path

from agent.identity import make_identity
from agent.verify import read_manifest
from flash_tools import target
from flash_tools.boards import factory_region
from flash_tools.chips import KINDS, open_chip
from flash_tools.errors import NotFoundError, RefusedError, ToolError
from flash_tools.signing import keys
from flash_tools.signing.key_rotation import Device, package_says
from hal.boot_record import BootRecord
from ports.cpython_linux.signature import verify


def read_device(name: str, runs: Path | None = None) -> Device:
    """Return what a device trusts; `name` is a board (KIND:PLACE), a file of facts, or the folder of one.

    `runs` is the package that it runs, where only its facts are at hand.
    """
    kind = name.partition(":")[0]
    if kind in target.KINDS and ":" in name and not Path(name).exists():
        target.parse(name, *KINDS)
        return _of_flash(name)
    path = Path(name) / "provision.json" if Path(name).is_dir() else Path(name)
    try:
        facts = json.loads(path.read_text())
    except OSError as e:
        raise NotFoundError(f"cannot read {path}: {e.strerror}") from None
    except (ValueError, RecursionError):
        facts = None
    return Device(str(path), _key_ids(facts, path), tuple(package_says(runs)[1]) if runs else ())


@dataclass
class _Bank:
    header: object


def _of_flash(name):
    with open_chip(name) as chip:
        regions = chip.regions()
        facts = factory_region.look(regions["factory"]).facts if "factory" in regions else None
        if facts is None:
            raise NotFoundError(f"{name} was never provisioned: do that first, with `fumo provision`")
        kids, trust = _key_ids(facts, name), make_identity(facts, verify)
        number = BootRecord(regions["boot"]).confirmed()
        header = regions.get(f"header{number}")
        running = read_manifest(_Bank(header), trust) if header else None
    return Device(name, kids, tuple(running.revoked) if running else ())


def _key_ids(facts, name):
    try:
        pairs = [(str(kid), bytes.fromhex(public)) for kid, public in facts["anchors"]]
    except (ValueError, TypeError, KeyError):
        raise ToolError(f"{name} is not what a device is provisioned with: it has no list of anchors") from None
    if any(len(public) != 64 or keys.key_id(public) != kid for kid, public in pairs):
        raise RefusedError(f"{name} has an anchor whose id is not that of its key: provision the device again")
    return tuple(kid for kid, _ in pairs)
