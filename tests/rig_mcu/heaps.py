"""The smallest heap of the emulated microcontroller in which it does its work: found by halving, each try on a board of its own.

python -m tests.rig_mcu.heaps session            # a management session, the agent in littlefs
python -m tests.rig_mcu.heaps update romfs       # a whole update, the agent in ROMFS
python -m tests.rig_mcu.heaps update frozen      # the same, the agent frozen into MicroPython
python -m tests.rig_mcu.heaps update lfs2 --folder DIR   # the bank holds these compiled files, main.mpy at their top
python -m tests.rig_mcu.heaps update lfs2 --at 80        # one try, and what the board said
"""

import argparse
import sys
from pathlib import Path

from flash_tools.errors import SilentError, ToolError
from flash_tools.rig.mcu import goods
from flash_tools.server.dm.commands import Get
from tests.rig_mcu.bench import ROOMY_KIB, STACK_KIB, Bench, Limit
from tests.rig_mcu.frozen_bench import FrozenBench

BENCHES = {"frozen": FrozenBench}  # a kind that is no kind of bank
KINDS = (*goods.KINDS, *BENCHES)
STEP_KIB = 2
_LEAST_KIB = 16
_SESSION_S, _IDLE_S, _UPDATE_S = 60, 3, 120
_SUBTREES = ("./DevInfo?list=StructData", "./DevDetail?list=StructData", "./DMAcc?list=StructData")


def update(bench) -> bool:
    """Have the board updated; tell whether it reported 200 and nothing went wrong on the way."""
    code, trouble = bench.finish(bench.order(), _UPDATE_S)
    return code == 200 and not trouble


def session(bench) -> bool:
    """Hold a session that reads the objects every device has."""
    commands = [Get([subtree]) for subtree in _SUBTREES]
    port = bench.wait_port()
    task = bench.server.command(bench.goods.device_id, *commands)
    bench.server.notify(bench.goods.device_id, ("127.0.0.1", port))
    limit = Limit(bench.board, _SESSION_S)
    while not task.done and not limit.over and not bench.trouble():
        pass
    return task.done and all(command.status == 200 for command in commands) and not bench.trouble()


def idle(bench) -> bool:
    """Let the board start and wait for a notification."""
    bench.wait_port()
    limit = Limit(bench.board, _IDLE_S)
    while not limit.over:
        pass
    return not bench.trouble() and bench.board.memory.boots == 1


def _silent(text):
    """Say nothing."""


WORK = {"update": update, "session": session, "idle": idle}


def attempt(what, kind, heap_kib, folder=None, stack_kib=STACK_KIB) -> tuple[bool, str]:
    """Return (whether the work is done with that heap, what the board said)."""
    with BENCHES.get(kind, Bench)(heap_kib, kind, folder) as bench:
        bench.board.settings.stack = int(stack_kib * 1024)
        bench.board.settings.program_step, bench.board.settings.erase_steps = 256, 1
        bench.on()
        try:
            good = WORK[what](bench)
        except SilentError:
            good = False
        return good, bench.said()


def smallest(
    what, kind, folder=None, low=_LEAST_KIB, high=ROOMY_KIB, tell=_silent, stack_kib=STACK_KIB, guess=0
) -> int:
    """Return the smallest heap in KiB with which the work is done, to STEP_KIB.

    `low` is known to be too small, or the least of all; `guess` is tried first, and what is just below it.
    """
    return find(what + " " + kind, lambda kib: attempt(what, kind, kib, folder, stack_kib), low, high, tell, guess)


def find(name, attempted, low, high, tell=_silent, guess=0) -> int:
    """Return the smallest KiB with which `attempted` gives (True, ...), see `smallest`."""

    def tried(kib):
        good, said = attempted(kib)
        tell("%s: %d KiB %s" % (name, kib, "enough" if good else "not enough"))
        return good, said

    good, bound = False, high
    if low < guess < high:
        low, high, good = _narrow(tried, low, high, guess)
    if not good and not (last := tried(high))[0]:
        raise ToolError("%s: %d KiB do not end well; the board said:\n%s" % (name, bound, last[1][-1500:]))
    return _halve(tried, low, high)


def _narrow(tried, low, high, guess):
    """Step away from a guess, further each time; return the bounds, and whether the upper one is known to be enough."""
    step = STEP_KIB
    if tried(guess)[0]:
        while guess - step > low and tried(guess - step)[0]:
            guess, step = guess - step, 2 * step
        return max(low, guess - step), guess, True
    while guess + step < high and not tried(guess + step)[0]:
        guess, step = guess + step, 2 * step
    return guess, min(high, guess + step), guess + step < high


def smallest_stack(what, kind, folder=None, tell=_silent, guess=0.0) -> float:
    """Return the smallest C stack in KiB, to half of one, with which the work is done, the heap being roomy."""

    def attempted(quarters):
        return attempt(what, kind, ROOMY_KIB, folder, quarters / 4)

    return find(what + " stack in quarters", attempted, 8, 128, tell, round(4 * guess)) / 4


def _halve(tried, low, high):
    while high - low > STEP_KIB:
        middle = (low + high) // 2
        low, high = (low, middle) if tried(middle)[0] else (middle, high)
    return high


def _tell(text):
    print(text, file=sys.stderr, flush=True)


def main(words=None) -> int:
    """Print the figure."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig_mcu.heaps")
    parser.add_argument("what", choices=sorted(WORK))
    parser.add_argument("kind", choices=KINDS, nargs="?", default="lfs2")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--at", type=int)
    parser.add_argument(
        "--stack", type=float, default=STACK_KIB, help="KiB; 0 finds the smallest one, with a roomy heap"
    )
    parser.add_argument("--low", type=int, default=_LEAST_KIB)
    parser.add_argument("--high", type=int, default=ROOMY_KIB)
    options = parser.parse_args(words)
    if options.at:
        good, said = attempt(options.what, options.kind, options.at, options.folder, options.stack)
        print(said)
        print("%s with %d KiB: %s" % (options.what, options.at, "done" if good else "NOT done"))
        return 0 if good else 1
    try:
        if options.stack:
            more = options.low, options.high, _tell, options.stack
            print(smallest(options.what, options.kind, options.folder, *more))
        else:
            print(smallest_stack(options.what, options.kind, options.folder, _tell))
    except ToolError as e:
        print("error: %s" % e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
