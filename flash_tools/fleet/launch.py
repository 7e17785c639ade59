"""How to start a fleet as a process of its own: `SimProcess(command(...), on_line)` runs it as it runs one device."""

import sys


def command(folder, *options) -> list[str]:
    """Return the command line of a fleet."""
    return [sys.executable, "-m", "flash_tools.fleet", "--folder", str(folder), *map(str, options)]
