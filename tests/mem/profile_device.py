"""The device of `python -m tests.mem.profile`: the boot of update_device.py, and after every step what lives in the heap.

Says on stderr, each time that more lives than ever before in the same modules' company: `@`, bytes, the modules of ours.
"""

import gc
import sys
from binascii import crc32

_STEP = 128
_OURS = ("agent", "hal", "ports", "board")


class Meter:
    """Says what lives after a collection, each time that it is more than ever before with the same modules."""

    def __init__(self):
        self._most = {}  # by a number that stands for the modules: what this takes itself must not grow

    def look(self):
        """Look once."""
        key, count = 0, 0
        for name in sys.modules:
            if name.split(".")[0] in _OURS:
                key ^= crc32(name.encode())
                count += 1
        gc.collect()
        alive = gc.mem_alloc()
        if alive > self._most.get(key, 0) + _STEP:
            self._most[key] = alive
            print("@", alive, file=sys.stderr, end="")
            for name in sys.modules:
                if name.split(".")[0] in _OURS:
                    print(" " + name, file=sys.stderr, end="")
            print(file=sys.stderr)


def make_agent():
    """Wire it all up; a board is wired once."""
    from update_wiring import wire_agent

    return wire_agent("whole" not in sys.argv)


def main():
    """Run one boot."""
    gc.threshold(1024)
    meter, agent = Meter(), make_agent()
    agent.start()
    meter.look()
    print("ready")
    port, tells = agent.port, agent.hardware.boot.running() > 0
    while not port.rebooting:
        if tells and agent.record.idle and not agent.in_session:
            break
        wait_ms = min(agent.step(), port.net.step(), 20)
        meter.look()
        port.clock.sleep_ms(wait_ms)
    sys.exit(3 if port.rebooting else 0)


main()
