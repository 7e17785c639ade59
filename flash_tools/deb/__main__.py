"""`make deb`: build the Debian package into a folder."""

import argparse
import sys
from pathlib import Path

from flash_tools.deb.build import build
from flash_tools.errors import ToolError


def main(words=None) -> int:
    """Build the package and say where it is; return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m flash_tools.deb", description="Build the Debian package of a Linux board."
    )
    parser.add_argument("--output", type=Path, default=Path("build"), help="folder for the package")
    parser.add_argument("--version", help="another version than the tree's")
    given = parser.parse_args(words)
    try:
        path = build(given.output, given.version)
    except (ToolError, OSError) as e:
        print("deb: %s" % e, file=sys.stderr)
        return getattr(e, "exit_code", 1)
    print("%s, %d KiB" % (path, path.stat().st_size >> 10))
    return 0


if __name__ == "__main__":
    sys.exit(main())
