"""What a simulated chip holds, for people who look at a bench: read beside the running device, nothing is ever written.

What is read while the device writes may be half of it: a bank that cannot be understood then is shown without a version.
"""

import base64
import binascii
import json

from agent import bank_header
from agent.errors import AgentError
from agent.sizes import MAX_JWS
from board.sim_nor import BANK_NAMES, make_layout
from hal.boot_record import BootRecord
from hal.region import carve
from ports.sim.flash_file import SIZES, bank_size

_SECTOR = 4096
_UNITS = ((_SECTOR, 1),)


class Chip:
    """A Flash that can only be read; `copy(addr, into)` gives its cells."""

    page, program_unit, blocking, erase_units = 256, 1, False, _UNITS

    def __init__(self, size, copy):
        self.size, self.read = size, copy


def banks(chip: Chip, running: int | None) -> list[dict]:
    """Describe the banks; `running` is the number of the one that runs, None without power."""
    regions = carve(chip, make_layout(chip.size, bank_size(chip.size)))
    boot = BootRecord(regions["boot"])
    return [_bank(regions, number, boot.confirmed(), running) for number in range(len(BANK_NAMES))]


def banks_of_file(path, running: int | None) -> list[dict]:
    """Describe the banks of a flash file; none where it is no such file, or is not there."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            return banks(Chip(size, _reader(file)), running) if size in SIZES else []
    except (OSError, AgentError):
        return []


def _reader(file):
    def read(addr, into):
        file.seek(addr)
        file.readinto(into)

    return read


def _bank(regions, number, confirmed, running):
    image_name, header_name = BANK_NAMES[number]
    image = regions[image_name]
    said = _manifest(regions[header_name])
    size = said.get("size") or _filled(image)
    if number == running:
        state = "runs" if number == confirmed else "trial"
    elif number == confirmed:
        state = "confirmed"
    else:
        state = "spare" if size else "empty"
    fill = round(min(size / image.size, 1), 4)
    return {"name": image_name, "state": state, "version": said.get("version", ""), "fill": fill}


def _manifest(header):
    """Return what the manifest beside an image says; the device has checked its signature, or will."""
    text = bytearray(MAX_JWS)
    size = bank_header.read_text(header, text)
    try:
        body = bytes(text[:size]).split(b".")[1]
        said = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
        return {"version": str(said["version"]), "size": int(said["size"])}
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError, binascii.Error):
        return {}


def _filled(image):
    """Return how many bytes there are from the first one to the last sector that is not erased."""
    blank, cells = b"\xff" * _SECTOR, bytearray(_SECTOR)
    for start in range(image.size - _SECTOR, -1, -_SECTOR):
        image.read(start, cells)
        if cells != blank:
            return start + _SECTOR
    return 0
