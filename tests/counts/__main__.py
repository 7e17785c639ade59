"""make counts: count, add the figures to build/mcu.json, and show them."""

import sys
from pathlib import Path

from flash_tools.errors import ToolError
from tests.counts import callgrind, figures
from tests.counts.measure import measure


def main() -> int:
    """Measure; return the exit code."""
    try:
        found = measure()
    except (callgrind.Missing, ToolError) as e:
        print("counts: %s" % e)
        return 1
    figures.merge(Path("build", "mcu.json"), found)
    for name, value in found.items():
        print("%-32s %s" % (name, value))
    return 0


if __name__ == "__main__":
    sys.exit(main())
