"""Make the emulated microcontroller's MicroPython once: Debian's source, configured by what is in `firmware/`, not patched.

The heap is as large as the host says at each start (firmware/mps2/board.c hands MicroPython that part of one large array), so
one build serves every size.
"""

import hashlib
import os
import sys
from pathlib import Path

from flash_tools import whole_file
from flash_tools.errors import ToolError
from flash_tools.rig.emulator import commands
from flash_tools.rig.emulator.making import alone
from flash_tools.rig.mcu import source

FOLDER = Path("build") / "rig-mcu"
FIRMWARE, STAMP = "firmware.elf", "stamp"
HEAP_MOST = 1 << 20
_OURS = Path(__file__).resolve().parent / "firmware"
_PROGRAMS = ("apt-get", "dpkg-source", "make", "cc", "arm-none-eabi-gcc", "qemu-system-arm")
_CONFIG = '-I%s -DMP_CONFIGFILE="<mpconfigport_rig.h>"'


def build(folder: Path = FOLDER, say=lambda text: None) -> Path:
    """Make it in `folder`, unless it is there already, and return the firmware's path."""
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder, "the emulated microcontroller"):
        if not ready(folder):
            for program in _PROGRAMS:
                commands.find(program)
            _make(folder, say)
            whole_file.write(folder / STAMP, inputs().encode())
    return folder / FIRMWARE


def ready(folder: Path) -> bool:
    """Tell whether the folder holds what these files make."""
    stamp = Path(folder) / STAMP
    return stamp.exists() and (Path(folder) / FIRMWARE).exists() and stamp.read_text() == inputs()


def inputs() -> str:
    """Return a hash of all that decides what is made."""
    paths = [Path(__file__), Path(source.__file__), *sorted(path for path in _OURS.rglob("*") if path.is_file())]
    digest = hashlib.sha256()
    for path in paths:
        if "__pycache__" not in path.parts:
            digest.update(b"%s\0%s\0" % (path.name.encode(), path.read_bytes()))
    return digest.hexdigest()


def _make(folder, say):
    say("getting MicroPython %s as Debian's source package" % source.VERSION)
    top = source.fetch(folder)
    (folder / STAMP).unlink(missing_ok=True)
    jobs = "-j%d" % (os.cpu_count() or 1)
    say("compiling MicroPython for the emulated Cortex-M3, once: half a minute")
    commands.call("make", jobs, "-C", top / "mpy-cross")
    words = {
        "BOARD": "MPS2_AN385",
        "BUILD": folder / "build",
        "USER_C_MODULES": _OURS,
        "CFLAGS_EXTRA": _CONFIG % _OURS,
        "LDSCRIPT": _OURS / "mps2.ld",
        "FROZEN_MANIFEST": _OURS / "manifest.py",
        "MICROPY_HEAP_SIZE": HEAP_MOST,
        "MICROPY_VFS_LFS2": 1,
    }
    commands.call("make", jobs, "-C", top / "ports" / "qemu", *("%s=%s" % pair for pair in words.items()))
    whole_file.write(folder / FIRMWARE, (folder / "build" / "firmware.elf").read_bytes())


def main() -> None:
    """Make it in build/rig-mcu, or in the folder that the command line names."""
    try:
        build(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, print)
    except ToolError as e:
        sys.exit("error: %s" % e)


if __name__ == "__main__":
    main()
