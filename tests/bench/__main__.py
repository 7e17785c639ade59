"""make bench: measure, write build/bench.json, and say which figure misses its bound."""

import json
import sys
from pathlib import Path

from tests.bench import (
    air,
    codecs,
    delta,
    download,
    flash_time,
    linux_install,
    refetch,
    server,
    server_fleet,
    update_air,
    watchdog,
    wear,
)

_BOUNDS = {
    "install_1mib_ratio": 1.05,
    "reinstall_1mib_ratio": 1.3,
    "download_efficiency": 1.06,
    "air_bytes_overhead": 6144,
    "air_bytes_overhead_mac": 6656,
    "boot_decision_bytes": 1024,
    "boot_flash_writes": 0,
    "resume_refetch_bytes": 4096 + 20,  # the largest packed block and its header
    "watchdog_gap_share": 0.5,
    "bank_erases_max": 1,
    "record_erases_max": 6,
    "record_erases_per_1000_wakeups": 100,
    "delta_ratio": 1.20,
    "delta_share": 0.35,
    "delta_apply_heap_kib": 32,
    "server_fleet_unaccounted": 0,
    "server_fleet_faults": 0,
    "linux_install_64mib_ratio": 2.5,
    "linux_install_vs_rauc": 1.0,
    "linux_agent_peak_mib": 40,
}
_AT_LEAST = {
    "wbxml_reader_vs_loop": 0.10,
    "xml_reader_vs_loop": 0.10,
    "wbxml_reader_vs_loop_micropython": 0.10,
    "xml_reader_vs_loop_micropython": 0.10,
    "server_cpu_vs_echo": 0.25,
}


def main():
    """Measure everything; return the exit code."""
    figures = {}
    parts = (flash_time, download, wear, watchdog, refetch, codecs, delta, air, update_air, server, server_fleet)
    for part in (*parts, linux_install):
        figures.update(part.measure())
    Path("build").mkdir(exist_ok=True)
    Path("build", "bench.json").write_text(json.dumps(figures, indent=1) + "\n")
    for name, value in figures.items():
        print("%-42s %10s%s" % (name, value, _bound(name)))
    # Pairs of firmware that cannot be fetched here, and a peer that cannot be run here.
    lacks = {name: 0 for name in _BOUNDS if name.startswith("delta_") or name == "linux_install_vs_rauc"}
    missed = [name for name, most in _BOUNDS.items() if (lacks | figures)[name] > most]
    missed += [name for name, least in _AT_LEAST.items() if figures.get(name, least) < least]
    print(
        "bench: %d figures, %d miss their bound%s"
        % (len(figures), len(missed), ": " + ", ".join(missed) if missed else "")
    )
    return 1 if missed else 0


def _bound(name):
    if name in _BOUNDS:
        return "   at most %s" % _BOUNDS[name]
    return "   at least %s" % _AT_LEAST[name] if name in _AT_LEAST else ""


if __name__ == "__main__":
    sys.exit(main())
