"""Run the device of `make mem` against the server, with a heap of a given size."""

import tempfile
from pathlib import Path

from flash_tools.deploy.compiled import compile_folders
from tests.host.test_micropython import find_micropython
from tests.mem.session_server import converse
from tests.mem.shipped import ship

DEVICE = tuple("tests/mem/%s.py" % name for name in ("device", "wiring", "flash"))
KINDS = ("xml", "wbxml")  # XML with MAC, WBXML with md5 over TLS
PACKAGE, LARGE_PACKAGE = 256 << 10, 1 << 20
_ROOMY = 1 << 20


def complete(folder, kind, size, heap, *options):
    """Return (whether the session completed, what the device said)."""
    with tempfile.TemporaryDirectory() as flash:
        command = [find_micropython(), "-X", "heapsize=%d" % heap, "-m", "device", kind, flash, *options]
        return converse(command, folder, kind, size)


def stack():
    """Return {kind: bytes of .mpy that a session imports}: all of it as shipped, less what the measurement's scripts are alone."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = ship(folder, "device", DEVICE, {})
        loaded = {kind: sum(sizes.get(name, 0) for name in {"device", *_imported(folder, kind)}) for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        compile_folders(folder, ("agent",), DEVICE)
        scripts = sum((Path(folder) / Path(path).name).with_suffix(".mpy").stat().st_size for path in DEVICE)
    return {kind: size - scripts for kind, size in loaded.items()}


def _imported(folder, kind):
    """Return the names of the modules that the session imports, none of them unloaded."""
    good, said = complete(folder, kind, PACKAGE, _ROOMY, "whole")
    if not good:
        raise SystemExit("the session does not complete: " + said)
    return said.split()[3:]


def smallest(folder, kind, size):
    """Return the smallest heap in KiB in which the session completes."""
    low, high = 16, _ROOMY >> 10
    good, said = complete(folder, kind, size, _ROOMY)
    if not good:
        raise SystemExit("the session does not complete: " + said)
    while high - low > 1:
        middle = (low + high) // 2
        if complete(folder, kind, size, middle << 10)[0]:
            high = middle
        else:
            low = middle
    return high
