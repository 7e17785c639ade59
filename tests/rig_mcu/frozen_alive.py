"""What lives in the heap of the emulated microcontroller, largest first, by what it is and by who holds it.

python -m tests.rig_mcu.frozen_alive idle frozen              # the board waits for a notification
python -m tests.rig_mcu.frozen_alive update frozen --at 60    # where the first allocation fails with 60 KiB
"""

import argparse
import sys
import threading
from pathlib import Path

from flash_tools.rig.mcu import frozen
from flash_tools.rig.mcu.frozen_debug import Debugger, stack_words
from flash_tools.rig.mcu.frozen_heap import RAM_SIZE, Heap, Owners, Ram, symbols
from tests.rig_mcu.bench import ROOMY_KIB, Bench
from tests.rig_mcu.heaps import BENCHES, KINDS, WORK

_FAIL = "m_malloc_fail"
_WAIT_S = 120


class Names:
    """What the bundler called things, turned back."""

    def __init__(self, text: str):
        self._attributes, self._globals = {}, {}
        place, known = "", False
        for line in text.splitlines():
            first, _, rest = line.partition(" ")
            if line == "names":
                known = True
            elif known:
                self._attributes[first] = rest
            elif first.endswith(".py:"):
                place = first.removesuffix(".py:")
            elif ":" in rest and ".py:" not in rest:
                self._globals[place, first] = rest.partition(":")[2] + "@" + rest.partition(":")[0].rpartition(".")[2]

    def long(self, path: str) -> str:
        """Return the path in words."""
        parts, known = path.split("."), 1
        if parts[0] == "modules":
            known = 3
            if len(parts) > 2:
                parts[2] = self._globals.get((parts[1].removeprefix("bank/"), parts[2]), parts[2])
        return ".".join(parts[:known] + [self._word(part) for part in parts[known:]])

    def _word(self, part):
        name, more, rest = part.partition(">")
        return self._attributes.get(name, name) + more + rest


def look(what: str, kind: str, kib: int | None) -> tuple[Owners, Heap, Ram, str]:
    """Return what lives when a board idles, or where an allocation fails first, and what the board had said."""
    with BENCHES.get(kind, Bench)(kib or ROOMY_KIB, kind) as bench:
        port = with_debugger(bench.board)
        bench.board.settings.program_step, bench.board.settings.erase_steps = 256, 1
        known = symbols(bench.board.firmware)
        bench.on()
        if kib is None:
            WORK[what](bench)
        with Debugger(port) as debugger:
            if kib is not None:
                debugger.stop_at(known[_FAIL])
                debugger.go()
                threading.Thread(target=_work, args=(what, bench), daemon=True).start()
                if not debugger.wait(_WAIT_S):
                    sys.exit("nothing failed; the board said: %s" % bench.said()[-300:])
            data = debugger.memory(0, RAM_SIZE, port.with_suffix(".ram"))
            stack = stack_words(debugger.registers(), data, known["_estack"])
        ram = Ram(data, known)
        heap = Heap(ram)
        return Owners(heap, stack), heap, ram, bench.said()


def with_debugger(board) -> Path:
    """Have QEMU offer its debugger from the next start on; return where."""
    port, command = Path(board.folder) / "gdb", board._command
    board._command = lambda *ends: [*command(*ends), "-gdb", "unix:%s,server=on,wait=off" % port]
    return port


def _work(what, bench):
    try:
        WORK[what](bench)
    except Exception:  # the board has stopped, that is why
        pass


def main(words=None) -> None:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig_mcu.frozen_alive")
    parser.add_argument("what", choices=sorted(WORK))
    parser.add_argument("kind", choices=KINDS, nargs="?", default="frozen")
    parser.add_argument("--at", type=int, help="KiB of a heap that is too small")
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--most", type=int, default=60)
    options = parser.parse_args(words)
    owners, heap, ram, said = look(options.what, options.kind, options.at)
    place = frozen.rig.FOLDER / "frozen" / frozen.MAP
    names = Names(place.read_text() if options.kind == "frozen" else "")
    print(said[-600:])
    runs = heap.free_runs()
    print("heap %d, alive %d, allocated %d, free %d in %d pieces, the largest %s" % (
        heap.count * 16, owners.alive, sum(heap.blocks.values()), sum(runs), len(runs), runs[:6]))  # fmt: skip
    _print("by kind", owners.by(lambda at: _kind(owners, at, names)), options.most)
    cut = options.depth
    _print("by owner", owners.by(lambda at: ".".join(names.long(owners.path[at]).split(".")[:cut])), options.most)
    print("the largest blocks")
    for at in sorted(owners.path, key=lambda at: -heap.blocks[at])[: options.most]:
        print("%7d %-14s %s" % (heap.blocks[at], _kind(owners, at, names), names.long(owners.path[at])))


def _kind(owners, at, names):
    kind = owners.kind[at]
    return "an object" if kind.startswith("a ") else kind


def _print(title, rows, most):
    print(title)
    for name, count, size in rows[:most]:
        print("%7d %5d  %s" % (size, count, name))


if __name__ == "__main__":
    main()
