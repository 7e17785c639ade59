"""The files in the folder of one emulated board: its chips, which stay, and what QEMU starts it from, made anew at every start."""

from pathlib import Path

from flash_tools.errors import UsageError
from flash_tools.rig.emulator import build, device_tree
from flash_tools.rig.emulator.cpio import Archive
from flash_tools.rig.emulator.qemu_command import EEPROM, EEPROM_SIZE, FLASH, FLASH_SIZE, INITRD, TREE

GUEST = Path(__file__).parent / "guest"
_GUEST_FILES = {
    "usr/lib/rig/init": "init",
    "usr/lib/rig/control.py": "control.py",
    "sbin/reboot": "reboot",
    "usr/bin/systemctl": "systemctl",
}


def have_chips(folder: Path) -> None:
    """Make the chips that are not there yet, erased."""
    for name, size in ((FLASH, FLASH_SIZE), (EEPROM, EEPROM_SIZE)):
        path = folder / name
        if not path.exists():
            path.write_bytes(b"\xff" * size)
        elif path.stat().st_size != size:
            raise UsageError("%s has %d bytes, the emulated part has %d" % (path, path.stat().st_size, size))


def write(folder: Path, base: Path, layers: tuple[str, ...], payload: dict[str, bytes]) -> None:
    """Write the device tree, with fresh entropy, and the root file system: the base, more layers, the payload over them."""
    tree = (base / build.TREE).read_bytes()
    (folder / TREE).write_bytes(device_tree.with_seed(tree))
    with open(folder / INITRD, "wb") as file:
        for layer in (build.SYSTEM, *layers):
            file.write((base / layer).read_bytes())
        file.write(overlay(payload))


def overlay(payload: dict[str, bytes]) -> bytes:
    """Return the last layer: what runs on every emulated board, and the files of this one; scripts may be executed."""
    archive = Archive()
    for path, name in _GUEST_FILES.items():
        archive.file(path, (GUEST / name).read_bytes(), 0o755)
    for path, data in payload.items():
        archive.file(path, data, 0o755 if data[:2] == b"#!" else 0o644)
    return archive.pack()
