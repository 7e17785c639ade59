"""The emulated microcontroller's MicroPython with the agent frozen into it: the code lies in the firmware, none of it in the heap.

What a bank holds then is the image's own part: which version it is, and the application. On a board whose boot loader chooses
(board/esp32_ota.py) all of it is one image; here the first stage is frozen, too, and chooses the bank as ever.
"""

import hashlib
import shutil
from pathlib import Path

from flash_tools import whole_file
from flash_tools.deploy import mpy_files
from flash_tools.deploy.files import ROOT
from flash_tools.rig.emulator import commands
from flash_tools.rig.emulator.making import alone
from flash_tools.rig.mcu import build as rig
from flash_tools.rig.mcu import source
from flash_tools.rig.mcu.goods import board_file, made_once

KIND = "romfs"  # of the bank
MAP = "map"  # what was called what
_START = '''"""Starts the launcher, which is frozen beside this."""

import sys

sys.path[:] = [".frozen"]
import boot

boot.begin()
'''
_MANIFEST = 'freeze("modules", opt=1)\n'


def build(folder: Path = rig.FOLDER, say=lambda text: None) -> Path:
    """Make it in `folder`/frozen, unless it is there already, and return the firmware's path."""
    rig.build(folder, say)
    folder = Path(folder).resolve()
    with alone(folder, "the emulated microcontroller"):
        return make(folder, folder / "frozen", modules(), say)


@made_once
def modules() -> dict[str, str]:
    """Return {place: source} of what is frozen, and under MAP what the bundler says about it."""
    board = board_file(KIND)
    image, _ = mpy_files.program(ROOT, board, {})
    found = mpy_files.first_stage_sources(ROOT, board)
    found |= {"boot.py": mpy_files.launcher(ROOT).decode(), "_boot.py": _START}
    return found | {"bank/" + place: text for place, text in image.sources.items()} | {MAP: image.map}


def make(base: Path, folder: Path, frozen: dict[str, str], say=lambda text: None) -> Path:
    """Make a firmware with these modules in `folder`, out of what `base` has; nothing is done where it is there already."""
    stamp, wanted, firmware = folder / rig.STAMP, _hash(frozen), folder / rig.FIRMWARE
    if stamp.exists() and stamp.read_text() == wanted and firmware.exists():
        return firmware
    stamp.unlink(missing_ok=True)
    if not (folder / "build").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(base / "build", folder / "build", copy_function=shutil.copy2)
    _write(folder, frozen)
    say("freezing the agent into the emulated microcontroller's MicroPython: half a minute")
    words = {
        "BOARD": "MPS2_AN385",
        "BUILD": folder / "build",
        "USER_C_MODULES": rig._OURS,
        "CFLAGS_EXTRA": rig._CONFIG % rig._OURS,
        "LDSCRIPT": rig._OURS / "mps2.ld",
        "FROZEN_MANIFEST": folder / "manifest.py",
        "MICROPY_HEAP_SIZE": rig.HEAP_MOST,
        "MICROPY_VFS_LFS2": 1,
    }
    port = base / "source" / "ports" / "qemu"
    commands.call("make", "-j2", "-C", port, *("%s=%s" % pair for pair in words.items()))
    shutil.copyfile(folder / "build" / rig.FIRMWARE, firmware)
    whole_file.write(stamp, wanted.encode())
    return firmware


def _write(folder, frozen):
    """Put the sources there; those of an earlier build go."""
    shutil.rmtree(folder / "modules", ignore_errors=True)
    for place, text in frozen.items():
        path = folder / (place if place == MAP else "modules/" + place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "manifest.py").write_text(_MANIFEST)


def _hash(frozen):
    digest = hashlib.sha256(rig.inputs().encode() + source.VERSION.encode() + Path(__file__).read_bytes())
    for place, text in sorted(frozen.items()):
        digest.update(b"%s\0%s\0" % (place.encode(), text.encode()))
    return digest.hexdigest()
