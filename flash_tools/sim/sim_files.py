"""The files of a simulated device: its flash with the first firmware, its provisioning, the key that signs its updates."""

import base64
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from agent.errors import FlashError
from board.sim_nor import make_layout
from flash_tools import whole_file
from flash_tools.boards import factory_region
from flash_tools.errors import NotFoundError, ToolError, UsageError
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing import keys
from hal.boot_record import BootRecord
from hal.region import carve, layout_hash
from ports.sim import firmware
from ports.sim.flash_file import SIZES, FileNor, bank_size
from ports.sim.process import make_flash
from ports.sim.real_clock import RealClock

K = 1024
FLASH, PROVISION, KEY = "flash.bin", "provision.json", "key.pem"
_TYPES = {None: "", "basic": "BASIC", "md5": "DIGEST", "MAC": "HMAC"}
_BEHAVIOURS = (firmware.GOOD, firmware.CRASH, firmware.HANG, firmware.CRASH_CONFIRMED, firmware.UNFIT)
_HEX = ("nonce", "server_nonce")


@dataclass
class SimFiles:
    """Where the files of one device are, and for what its packages are made."""

    folder: Path
    product: str = "bench"
    model: str = "sim"
    chip_kib: int = 2048
    key: object = field(default=None, repr=False)

    @property
    def flash(self) -> Path:
        """Return the path of the flash file."""
        return self.folder / FLASH

    @property
    def provision(self) -> Path:
        """Return the path of the provisioning."""
        return self.folder / PROVISION

    @property
    def layout(self):
        """Return the layout of the chip."""
        return make_layout(self.chip_kib * K, bank_size(self.chip_kib * K))

    def image(self, version: str, behaviour: str = firmware.GOOD, size: int = 64 * K) -> bytes:
        """Make a firmware that behaves like that."""
        if behaviour not in _BEHAVIOURS:
            raise UsageError("a firmware is one of %s, not %s" % (", ".join(_BEHAVIOURS), behaviour))
        if " " in version or not 0 < len(version) <= 32:
            raise ToolError("a version has 1 to 32 characters and no blank")
        return firmware.make_image(version, behaviour, size, sum(version.encode()))

    def package(self, image: bytes, counter: int = 1, encoding: str = "deflate", old: bytes | None = None) -> bytes:
        """Make the package of an image; the version is the one in it."""
        version = image[:64].split()[1].decode()
        target = Target(self.product, [self.model], layout_hash(self.layout), version, counter)
        return build_package(image, target, self.key, encoding=encoding, old_image=old)

    def update(self, version: str, behaviour: str = firmware.GOOD, size: int = 64 * K, **options) -> bytes:
        """Make an update package of a simulated firmware."""
        return self.package(self.image(version, behaviour, size), **options)

    def facts(self) -> dict:
        """Return the provisioning."""
        return json.loads(self.provision.read_text())


def make(
    folder, bundle: dict | None = None, *, key=None, image: bytes | None = None, version="1.0", behaviour=firmware.GOOD,
    size=64 * K, chip_kib=2048, product="bench", model="sim", device_id="sim:1", counter=1, keep_key=False,
    anew=False,
) -> SimFiles:  # fmt: skip
    """Make the files of a device. `bundle` is what a server's add_device gave; without one there is no account.

    `keep_key` keeps the key that is made there, too; one that a run has left that was cut short is taken. `anew` leaves a
    device alone that is there.
    """
    if chip_kib * K not in SIZES:
        raise UsageError("a chip has %s KiB" % ", ".join(str(size // K) for size in SIZES))
    files = SimFiles(Path(folder), product, model, chip_kib)
    files.folder.mkdir(parents=True, exist_ok=True)
    part = files.flash.with_name(FLASH + ".part")
    with whole_file.alone(files.folder):
        if anew:
            refuse_taken(files.flash)
        files.key = key or (_kept_key(files.folder) if keep_key else None) or keys.new_key()
        make_chip(files, part, image or files.image(version, behaviour, size), counter)
        if keep_key and not _kept_key(files.folder):
            keys.write_pair(files.key, files.folder / KEY)
        make_provision(files, bundle or {}, device_id)
        make_factory(files, part)
        _put(files.flash, lambda path: os.replace(part, path))  # last: a folder with a flash is a device
    return files


def refuse_taken(flash: Path) -> None:
    """Raise ToolError where a device is."""
    if flash.exists():
        raise ToolError(f"{flash} exists: remove it, or choose another folder")


def _kept_key(folder):
    """Return the key in a folder, with its public half beside it, None where there is none."""
    keys.finish_pair(folder / KEY)
    return keys.read_key(folder / KEY) if (folder / KEY).exists() else None


def make_chip(files: SimFiles, path: Path, image: bytes, counter: int = 1) -> None:
    """Make a flash file that holds this firmware, confirmed in bank 0."""
    size = files.chip_kib * K
    if len(image) > bank_size(size):
        raise ToolError("the image has %d bytes, a bank %d" % (len(image), bank_size(size)))
    package = files.package(image, counter)
    _put(path, lambda path: make_flash(path, size, files.layout, image, package, RealClock(), _confirm))
    _put(path, lambda path: os.chmod(path, 0o600))  # the device's secrets will be in it


def make_provision(files: SimFiles, bundle: dict, device_id: str) -> None:
    """Write who the device is; `device_id` counts where the bundle has none."""
    facts = facts_of(files, bundle, bundle.get("device_id") or device_id)
    write_provision(files.folder, facts)


def make_factory(files: SimFiles, path: Path | None = None) -> None:
    """Write the provisioning into the chip's factory region too; what does not fit there stays in its file alone."""
    facts = {**files.facts(), "board": "sim_nor", "layout": [list(part) for part in files.layout]}
    _put(path or files.flash, lambda path: _write_factory(path, files.layout, facts))


def _write_factory(path, layout, facts):
    flash = FileNor(path, RealClock())
    region = carve(flash, layout)["factory"]
    if len(factory_region.pack(facts)) <= factory_region.room(region):
        factory_region.write(region, facts)
    flash.file.close()


def write_provision(folder: Path, facts: dict) -> None:
    """Write the file of a provisioning that the chip has been given."""
    whole_file.write(folder / PROVISION, json.dumps(facts, indent=1).encode() + b"\n", 0o600)


def has_provision(folder: Path, facts: dict) -> bool:
    """Tell whether the file of the provisioning says the same as the chip, but for what the board is."""
    try:
        found = json.loads((folder / PROVISION).read_text())
        return _without_board(found) == _without_board(facts)
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def _without_board(facts):
    return {name: value for name, value in facts.items() if name not in ("board", "layout")}


def read(folder) -> SimFiles:
    """Return the files that `make` made, with their key."""
    folder = Path(folder)
    try:
        facts = json.loads((folder / PROVISION).read_text())
        size = (folder / FLASH).stat().st_size
    except FileNotFoundError as e:
        text = "%s holds no simulated device: there is no %s; `fumo sim new` makes one"
        raise NotFoundError(text % (folder, Path(e.filename).name)) from None
    except (OSError, ValueError, RecursionError) as e:
        raise ToolError("%s holds no simulated device: %s" % (folder, getattr(e, "strerror", None) or e)) from None
    key = keys.read_key(folder / KEY, None) if (folder / KEY).exists() else None
    return SimFiles(folder, facts["product"], facts["model"], size // K, key)


def account(bundle: dict) -> dict:
    """Return the account of a bundle as the provisioning has it."""
    found = {"name": bundle["server_id"], "server_id": bundle["server_id"], "url": bundle["url"]}
    for name in ("user", "secret", "server_user", "server_secret", *_HEX):
        text = bundle.get(name) or ""
        found[name] = _hex(name, text) if name in _HEX else text
    for name in ("auth", "server_auth"):
        if bundle.get(name) not in _TYPES:
            raise ToolError("%s is none of basic, md5, MAC: %s" % (name, bundle[name]))
        found[name] = _TYPES[bundle.get(name)]
    return found


def _hex(name, text):
    try:
        return base64.b64decode(text, validate=True).hex()
    except ValueError:
        raise ToolError("the account's %s is no base64" % name) from None


def facts_of(files: SimFiles, bundle: dict, device_id: str) -> dict:
    """Return the provisioning of a device, with the account that a server has made for it."""
    public = keys.public_bytes(files.key)
    facts = {
        "product": files.product,
        "model": files.model,
        "device": {
            "DevId": device_id, "Man": "fumo-agent", "Mod": files.model, "DmV": "1.0", "Lang": "en", "DevTyp": "simulated",
            "OEM": "fumo-agent", "SwV": "", "HwV": "1",
        },
        "device_key": secrets.token_hex(16),
        "anchors": [[keys.key_id(public), public.hex()]],
        "accounts": [account(bundle)] if "url" in bundle else [],
    }  # fmt: skip
    if bundle.get("ca_pem"):
        facts["ca_pem"] = bundle["ca_pem"]
    return facts


def _put(path, write):
    try:
        write(str(path))
    except OSError as e:
        raise ToolError("cannot write %s: %s" % (path, e.strerror)) from None
    except FlashError as e:
        raise ToolError(str(e)) from None


def _confirm(region):
    BootRecord(region).confirm()
