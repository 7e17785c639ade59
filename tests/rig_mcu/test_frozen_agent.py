"""The agent frozen into the emulated microcontroller's MicroPython, and the list of what lives in its heap."""

import pytest

from flash_tools.rig.mcu import build as rig
from flash_tools.rig.mcu.frozen_debug import Debugger, stack_words
from flash_tools.rig.mcu.frozen_heap import RAM_SIZE, Heap, Owners, Ram, symbols
from flash_tools.rig.mcu.machine import Microcontroller
from flash_tools.rig.mcu.memory import Settings
from tests.rig_mcu import frozen_alive

_THINGS = """
import gc, sys
class Thing:
    def __init__(self):
        self.large, self.words = bytearray(5000), ["a" * 300, 7]
thing = Thing()
gc.collect()
print(gc.mem_alloc(), gc.mem_free())
"""


@pytest.fixture(autouse=True)
def built():
    if not rig.ready(rig.FOLDER):
        pytest.skip("there is no emulated microcontroller: make rig-mcu builds it")


def test_what_lives_is_what_the_board_itself_counts(tmp_path):
    settings = Settings(96 << 10, repl=True)
    with Microcontroller(tmp_path / "board", rig.FOLDER / rig.FIRMWARE, settings) as board:
        port = frozen_alive.with_debugger(board)
        board.on()
        allocated, free = map(int, board.run(_THINGS).split())
        with Debugger(port) as debugger:
            data = debugger.memory(0, RAM_SIZE, tmp_path / "ram")
            known = symbols(board.firmware)
            ram = Ram(data, known)
            heap = Heap(ram)
            owners = Owners(heap, stack_words(debugger.registers(), data, known["_estack"]))
    assert heap.count * 16 == allocated + free
    assert abs(sum(heap.blocks.values()) - allocated) < 2048, "what the prompt has done since"
    assert sum(heap.free_runs()) + sum(heap.blocks.values()) == heap.count * 16
    held = {owners.path[at]: (owners.kind[at], heap.blocks[at]) for at in owners.path if "thing" in owners.path[at]}
    assert any(kind == "bytearray data" and size == 5008 and "large" in path for path, (kind, size) in held.items())
    assert sum(size for _, size in held.values()) > 5300, "the words, too"


def test_none_of_the_code_of_an_agent_that_is_frozen_is_in_the_heap():
    owners, heap, _, said = frozen_alive.look("idle", "frozen", None)
    assert "listening" in said and owners.alive < 36 << 10
    kinds = {kind: size for kind, _, size in owners.by(owners.kind.get)}
    assert kinds["raw"] < 2048, "no bytecode, no table of names"
    assert kinds["fun_bc"] > 1024, "it was the agent"
