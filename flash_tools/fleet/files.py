"""The files of a fleet: one signing key and one first firmware for all, a folder with a provisioning for each device.

first.bin           the flash that every device begins with
key.pem             signs their updates
0000/provision.json and, where flash is kept in files, 0000/flash.bin, made when the device gets power for the first time
"""

import json
import shutil
from pathlib import Path

from flash_tools.errors import ToolError
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from flash_tools.sim.sim_files import KEY, SimFiles
from ports.sim import firmware

FIRST = "first.bin"
_K = 1024


def make_many(
    folder, bundles: list[dict], *, key=None, version="1.0", behaviour=firmware.GOOD, size=64 * _K, chip_kib=1024,
    product="bench", model="sim", counter=1,
) -> list[SimFiles]:  # fmt: skip
    """Make the files of a device for each bundle, in their order; a fleet that is there gets more devices."""
    folder = Path(folder)
    there = read_many(folder) if (folder / FIRST).exists() else []
    first = there[0] if there else _make_first(folder, key, version, behaviour, size, chip_kib, product, model, counter)
    for number, bundle in enumerate(bundles, len(there)):
        files = SimFiles(_place(folder, number), first.product, first.model, first.chip_kib, first.key)
        files.folder.mkdir(exist_ok=True)
        sim_files.make_provision(files, bundle, "sim:%d" % number)
        there.append(files)
    return there


def read_many(folder) -> list[SimFiles]:
    """Return the devices of a folder, by their numbers."""
    folder = Path(folder)
    if not (folder / FIRST).exists():
        raise ToolError("%s holds no fleet: it has no %s" % (folder, FIRST))
    key = keys.read_key(folder / KEY) if (folder / KEY).exists() else None
    chip_kib, found = (folder / FIRST).stat().st_size // _K, []
    while (place := _place(folder, len(found))).is_dir():
        facts = _read_facts(place / sim_files.PROVISION)
        found.append(SimFiles(place, facts["product"], facts["model"], chip_kib, key))
    return found


def read_bundles(path) -> list[dict]:
    """Return the accounts of a file with a JSON object a line, or of a folder of such files, by their names."""
    path = Path(path)
    sources = sorted(path.glob("*.json*")) if path.is_dir() else [path]
    found = []
    for source in sources:
        try:
            found += _parse(source.read_text())
        except OSError as e:
            raise ToolError("cannot read %s: %s" % (source, e.strerror)) from None
        except ValueError:
            raise ToolError("%s: no JSON object, or lines of such" % source) from None
    if not found or not all(isinstance(bundle, dict) and "url" in bundle and "server_id" in bundle for bundle in found):
        raise ToolError("%s: an account has at least `url` and `server_id`" % path)
    return found


def own_flash(files: SimFiles) -> Path:
    """Return the device's flash file; it is made where there is none."""
    if not files.flash.exists():
        part = files.flash.with_suffix(".part")
        shutil.copyfile(files.folder.parent / FIRST, part)
        part.rename(files.flash)
    return files.flash


def _make_first(folder, key, version, behaviour, size, chip_kib, product, model, counter):
    if chip_kib * _K not in sim_files.SIZES:
        raise ToolError("a chip has %s KiB" % ", ".join(str(size // _K) for size in sim_files.SIZES))
    folder.mkdir(parents=True, exist_ok=True)
    first = SimFiles(folder, product, model, chip_kib, key or keys.new_key())
    if not (folder / KEY).exists():
        keys.write_key(first.key, folder / KEY)
    elif not key:
        first.key = keys.read_key(folder / KEY)
    sim_files.make_chip(first, folder / FIRST, first.image(version, behaviour, size), counter)
    return first


def _place(folder, number):
    return folder / ("%04d" % number)


def _read_facts(path):
    try:
        facts = json.loads(path.read_text())
        return {"product": facts["product"], "model": facts["model"]}
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise ToolError("%s is no provisioning: %s" % (path, e)) from None


def _parse(text):
    try:
        whole = json.loads(text)
        return whole if isinstance(whole, list) else [whole]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
