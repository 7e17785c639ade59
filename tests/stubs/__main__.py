"""Type check for MicroPython boards, a line for each mistake: `python -m tests.stubs`, part of `make lint`."""

import sys
from concurrent.futures import ThreadPoolExecutor

from tests.stubs.check import PORTS, Missing, check, files_of
from tests.stubs.gaps import GAPS


def main() -> int:
    """Check all ports; return the exit code."""
    try:
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(check, PORTS))
    except Missing as e:
        print("stubs: %s" % e)
        return 1
    wrong = [finding for findings, _ in found for finding in findings]
    met = set().union(*(gaps for _, gaps in found))
    unused = [gap for gap, _ in GAPS if gap not in met]
    for line in (*wrong, *("tests/stubs/gaps.py: nobody needs the gap %r any more" % gap for gap in unused)):
        print(line)
    counts = ", ".join("%s %d" % (port, len(files_of(port))) for port in PORTS)
    print("stubs: %d mistakes; files: %s" % (len(wrong), counts))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
