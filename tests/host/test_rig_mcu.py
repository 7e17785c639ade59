"""The rig of the emulated microcontroller, as far as it needs no emulator: its memory, its clock, its halving."""

import json
import struct
from types import SimpleNamespace

import pytest

from flash_tools.errors import ToolError, UsageError
from flash_tools.rig.mcu import build, memory
from flash_tools.rig.mcu.memory import CHIP_SIZE, Memory, Settings
from tests.counts import figures
from tests.rig_mcu import bench as bench_module
from tests.rig_mcu import heaps


@pytest.mark.parametrize("need", [17, 40, 128])
def test_halving_finds_the_smallest_that_does(need):
    tried = []

    def attempt(kib):
        tried.append(kib)
        return kib >= need, "said"

    found = heaps.find("x", attempt, 16, 128)
    assert need <= found < need + heaps.STEP_KIB
    assert len(tried) < 10


@pytest.mark.parametrize("guess, tries", [(40, 2), (41, 3), (50, 6), (30, 6), (36, 4), (500, 15), (18, 8), (0, 10)])
def test_a_good_guess_saves_tries_and_a_bad_one_does_no_harm(monkeypatch, guess, tries):
    tried = []

    def attempt(what, kind, kib, *more):
        tried.append(kib)
        return kib >= 40, ""

    monkeypatch.setattr(heaps, "attempt", attempt)
    assert 40 <= heaps.smallest("x", "lfs2", guess=guess) < 40 + heaps.STEP_KIB
    assert len(tried) <= tries


@pytest.mark.parametrize("guess", [0, 40, 126])
def test_work_that_never_ends_well_is_told_with_what_the_board_said(guess):
    with pytest.raises(ToolError, match="MemoryError: memory"):
        heaps.find("x", lambda kib: (False, "MemoryError: memory"), 16, 128, guess=guess)


def test_a_power_cut_takes_what_needs_power_and_leaves_the_rest(tmp_path):
    shared = Memory(tmp_path / "memory")
    shared.load_chip(b"\x5a" * CHIP_SIZE)
    shared.load_rom(b"first stage")
    shared.write(memory._POWERED, b"\xee" * memory._POWERED_SIZE)
    shared.write(memory._LIFE, b"\x07\0\0\0" * 3 + b"\x02\0\0\0\x01\0\0\0\x34\x12\0\0")
    shared.power(Settings(96 << 10, seed=7, repl=True, stack=8 << 10))
    again = Memory(tmp_path / "memory")
    assert again.chip() == b"\x5a" * CHIP_SIZE
    assert again.read(memory.ROM, 11) == b"first stage"
    assert again.read(memory._POWERED, memory._POWERED_SIZE) == bytes(memory._POWERED_SIZE)
    assert again.read(memory._HOST, 16) == b"RGCM" + (96 << 10).to_bytes(4, "little") + b"\x07\0\0\0\x01\0\0\0"
    assert (again.counts.programs, again.counts.violations) == (7, 2)
    assert again.complaint == "2 times a program over data, the last one at 0x1234"


def test_the_clock_and_the_work_of_a_board_are_read_from_outside(tmp_path):
    shared = Memory(tmp_path / "memory")
    shared.power(Settings(96 << 10))
    assert (shared.elapsed_ms, shared.boots, shared.work.what) == (0, 0, "")
    words = (0, 0, 3, 2, 0x5000, 4096, 512, 3, 77)  # as firmware/mps2/mps2.h has them
    shared.write(memory._POWERED, struct.pack("<9I", *words) + bytes(256 + 64) + struct.pack("<2I", 70000, 1234))
    assert (shared.elapsed_ms, shared.boots, shared.work) == (71234, 3, memory.Work("erase", 0x5000, 4096, 512))


def test_a_limit_goes_by_the_clock_of_the_board(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(bench_module, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: None))
    board = SimpleNamespace(memory=SimpleNamespace(elapsed_ms=5000))
    limit = bench_module.Limit(board, 10)
    now[0] = 50
    assert not limit.over, "the host is busy"
    board.memory.elapsed_ms = 15001
    assert limit.over
    board.memory.elapsed_ms, now[0] = 5000, 101
    assert limit.over, "a clock that stands still"


def test_what_does_not_fit_the_memory_is_refused(tmp_path):
    shared = Memory(tmp_path / "memory")
    assert shared.chip() == b"\xff" * CHIP_SIZE
    with pytest.raises(UsageError):
        shared.load_chip(bytes(100))
    with pytest.raises(UsageError):
        shared.load_rom(bytes(memory.ROM_SIZE + 1))


def test_another_driver_makes_another_firmware(monkeypatch, tmp_path):
    ours, made = tmp_path / "firmware", tmp_path / "made"
    (ours / "mps2").mkdir(parents=True)
    made.mkdir()
    (ours / "mps2" / "nor.c").write_text("one")
    monkeypatch.setattr(build, "_OURS", ours)
    before = build.inputs()
    (made / build.STAMP).write_text(before)
    assert not build.ready(made)  # no firmware beside it
    (made / build.FIRMWARE).write_text("elf")
    assert build.ready(made)
    (ours / "mps2" / "nor.c").write_text("two")
    assert build.inputs() != before
    assert not build.ready(made)


def test_figures_of_others_stay_in_the_file(tmp_path):
    path = tmp_path / "mcu.json"
    figures.merge(path, {"signature_instructions": 1})
    figures.merge(path, {"boots": 2})
    assert json.loads(path.read_text()) == {"signature_instructions": 1, "boots": 2}
    figures.merge(path, {"results_good_200": 3, "mcu_cuts_trial": 1})
    figures.merge(path, {"results_good_200": 2}, ("results_", "mcu_cuts_"))
    assert json.loads(path.read_text()) == {"signature_instructions": 1, "boots": 2, "results_good_200": 2}
