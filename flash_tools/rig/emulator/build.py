"""Make the emulated board once, from Debian's packages alone: kernel, device tree, and the layers of its root file system."""

import hashlib
import os
import shutil
import sys
from pathlib import Path

from flash_tools import whole_file
from flash_tools.errors import ToolError
from flash_tools.rig.emulator import apt, base_layers, commands, cpio, device_tree, packages, uimage
from flash_tools.rig.emulator.making import alone

KERNEL, TREE, STAMP = "uImage", "board.dtb", "stamp"
SYSTEM, CRYPTOGRAPHY = "system.cpio", "cryptography.cpio"
_LAYERS = {
    SYSTEM: packages.PYTHON + packages.HARDWARE,
    CRYPTOGRAPHY: packages.CRYPTOGRAPHY,
}
_MADE_BY = (apt, base_layers, commands, cpio, device_tree, packages, uimage)


def build(folder: Path, say=lambda text: None) -> Path:
    """Make everything into `folder`, unless it is there already, and return the folder."""
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for program in ("apt-get", "dpkg-deb", "dtc", "fdtput"):
        commands.find(program)
    with alone(folder, "the emulated board"):
        if not ready(folder):
            _make(folder, say)
            whole_file.write(folder / STAMP, inputs().encode())
    return folder


def ready(folder: Path) -> bool:
    """Tell whether the folder holds what these files make."""
    stamp = Path(folder) / STAMP
    return stamp.exists() and stamp.read_text() == inputs()


def inputs() -> str:
    """Return a hash of all that decides what is made."""
    sources = [Path(module.__file__).read_bytes() for module in (*_MADE_BY, sys.modules[__name__])]
    return hashlib.sha256(b"\0".join([*sources, b"compiled" if _compiler() else b""])).hexdigest()


def _make(folder, say):
    say("downloading Debian's packages for %s into %s" % (packages.ARCHITECTURE, folder / "debs"))
    names = tuple(name for layer in _LAYERS.values() for name in layer)
    debs = packages.fetch(folder, names)
    (folder / STAMP).unlink(missing_ok=True)
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    say("making kernel, device tree and root file system")
    _kernel(debs, work / "kernel", folder)
    for layer, wanted in _LAYERS.items():
        root = work / layer
        packages.unpack([debs[name] for name in wanted], root)
        _compile(root)
        archive = base_layers.system(root) if layer == SYSTEM else _plain(root)
        extra = base_layers.modules(work / "kernel").pack() if layer == SYSTEM else b""
        whole_file.write(folder / layer, archive.pack() + extra)
    shutil.rmtree(work)


def _kernel(debs, work, folder):
    packages.unpack([debs[packages.KERNEL_FILE]], work)
    image = next((work / "boot").glob("vmlinuz-*"))
    whole_file.write(folder / KERNEL, uimage.make(image.read_bytes()))
    device_tree.make(next(work.glob("usr/lib/linux-image-*/" + device_tree.NAME)), work / TREE)
    os.replace(work / TREE, folder / TREE)


def _plain(root):
    archive = cpio.Archive()
    archive.tree(root, base_layers.skipped)
    return archive


def _compiler():
    """Return a Python of the guest's version, whose compiled files the guest can load; None without one."""
    if sys.version_info[:2] == (3, 11):
        return sys.executable
    return shutil.which("python3.11")


def _compile(root):
    """Compile what is Python, so that the board need not do it at every boot: without, a boot takes some seconds more."""
    compiler = _compiler()
    if compiler is None:
        return
    for folder in ("usr/lib/python3.11", "usr/lib/python3"):
        if (root / folder).is_dir():
            _prune(root / folder, root)
            options = ("-q", "-q", "--invalidation-mode", "unchecked-hash", "-s", root, "-p", "/")
            commands.call(compiler, "-I", "-m", "compileall", *options, root / folder)


def _prune(folder, root):
    for path in sorted(folder.rglob("*")):
        if base_layers.skipped(path.relative_to(root).as_posix()):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def main() -> None:
    """Make the emulated board in the folder that the command line names."""
    try:
        build(Path(sys.argv[1] if len(sys.argv) > 1 else "build/rig/base"), print)
    except ToolError as e:
        sys.exit("error: %s" % e)


if __name__ == "__main__":
    main()
