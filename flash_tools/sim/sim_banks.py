"""What a simulated chip holds, for people who look at a bench: read beside the running device, nothing is ever written.

What is read while the device writes may be half of it: a bank that cannot be understood then is shown without a version.
"""

from agent.control import describe_banks
from agent.errors import AgentError
from board.sim_nor import BANK_NAMES, make_layout
from hal.boot_record import BootRecord
from hal.hardware import Bank
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
    places = [Bank(regions[image], regions[header]) for image, header in BANK_NAMES]
    entries = describe_banks(places, running, BootRecord(regions["boot"]).confirmed())
    return [_bank(regions, entry) for entry in entries]


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


def _bank(regions, entry):
    image_name = BANK_NAMES[entry["bank"]][0]
    image, state = regions[image_name], entry["state"]
    size = entry["size"] or _filled(image)
    if state == "empty" and size:
        state = "spare"
    return {
        "name": image_name,
        "state": state,
        "version": entry["version"],
        "fill": round(min(size / image.size, 1), 4),
    }


def _filled(image):
    """Return how many bytes there are from the first one to the last sector that is not erased."""
    blank, cells = b"\xff" * _SECTOR, bytearray(_SECTOR)
    for start in range(image.size - _SECTOR, -1, -_SECTOR):
        image.read(start, cells)
        if cells != blank:
            return start + _SECTOR
    return 0
