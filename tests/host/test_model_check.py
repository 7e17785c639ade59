"""The trial protocol as a model: every interleaving of cuts, crashes, hangs and kinds of boot control, on the real tables.

No reachable state may report success while the old or an unconfirmed firmware runs, and every state must be able to end.
"""

from collections import namedtuple

import pytest

from agent import lifecycle, reset
from agent.job import ARM, IDLE, READY, REPORT, TRIAL

# phase, arms, boots and code are the journal's; armed, tried, confirmed the boot control's; runs is -1 while nothing does
State = namedtuple("State", "phase arms boots code armed tried confirmed runs cause reported")
START = State(READY, 0, 0, 0, False, 0, 0, 0, reset.POWER, 0)
OWN, FORGETFUL, NATIVE = "own record", "one-shot flag that leaves no trace", "native, a cut in the trial is final"


class _Boot:
    """The boot control as lifecycle.situation sees it."""

    def __init__(self, state):
        self._state = state

    def running(self):
        return self._state.runs

    def confirmed(self):
        return self._state.confirmed

    def tried(self, bank, attempt):
        return self._state.tried == attempt and attempt > 0


def _down(state, cause):
    return state._replace(runs=-1, cause=cause)


def _first_stage(state, kind):
    if not state.armed:
        return state._replace(runs=state.confirmed)
    tried = 0 if kind == FORGETFUL else state.arms
    return state._replace(armed=False, tried=tried, runs=1)


def _resumed(state):
    """What agent/resume.py does with the tables."""
    if state.phase == IDLE:
        return state
    phase, code = lifecycle.at_boot(state.phase, lifecycle.situation(_Boot(state), 1, state.arms))
    arms = state.arms
    if phase == ARM and code:
        if lifecycle.may_arm_again(arms, state.cause):
            arms, code = arms + 1, 0
        else:
            phase = REPORT
    boots = 0 if phase != state.phase else state.boots + (phase != REPORT)
    if boots >= lifecycle.MAX_BOOTS:
        phase, code = REPORT, lifecycle.STATE_LOST
    return state._replace(phase=phase, arms=arms, boots=boots, code=code or state.code)


def _steps(state, kind):
    """Return what can come next: each step may be made, or power or the firmware may fail before it."""
    if state.runs < 0:
        booted = _first_stage(state, kind)
        yield _down(booted, reset.POWER)
        yield _down(booted, reset.WATCHDOG)
        yield _resumed(booted)
        return
    yield _down(state, reset.POWER)
    yield _down(state, reset.WATCHDOG)  # crash, hang
    yield _down(state, reset.UNKNOWN)
    if state.phase == READY:
        yield state._replace(phase=lifecycle.after(READY, lifecycle.OK), arms=1)
    elif state.phase == ARM:
        yield _down(state._replace(armed=True), reset.COMMANDED)
        yield state._replace(armed=True)
    elif state.phase == TRIAL:
        confirmed = state._replace(confirmed=state.runs)
        yield confirmed
        yield confirmed._replace(phase=lifecycle.after(TRIAL, lifecycle.OK), code=200)
        yield _down(state, reset.COMMANDED)  # its self-test failed
    elif state.phase == REPORT:
        sent = state._replace(reported=state.code)
        yield sent
        yield sent._replace(phase=lifecycle.after(REPORT, lifecycle.OK))


def _explore(kind):
    seen, edges, waiting = {START}, {}, [START]
    while waiting:
        state = waiting.pop()
        edges[state] = set(_steps(state, kind))
        waiting += edges[state] - seen
        seen |= edges[state]
    return seen, edges


def _is_wrong(state):
    reports = state.phase == REPORT and state.runs >= 0 and state.code == 200
    return reports and not (state.runs == state.confirmed == 1)


@pytest.mark.parametrize("kind", [OWN, FORGETFUL, NATIVE])
def test_no_state_reports_what_is_not_so(kind):
    seen, edges = _explore(kind)
    assert len(seen) > 100
    assert not [state for state in seen if _is_wrong(state)]
    assert not [state for state in seen if state.arms > lifecycle.MAX_ARMS]
    ended = {state for state in seen if state.phase == IDLE and state.reported}
    assert {state.reported for state in ended} >= {200, 410}
    assert {state.confirmed for state in ended if state.reported == 410} == {0}
    can_end, before = set(ended), -1
    while before != len(can_end):
        before = len(can_end)
        can_end |= {state for state in seen if edges[state] & can_end}
    assert can_end == seen


def test_the_check_can_fail(monkeypatch):
    rows = tuple(
        (p, f, n, c) if (p, f) != (TRIAL, lifecycle.FELL) else (p, f, REPORT, 200) for p, f, n, c in lifecycle.BOOT
    )
    monkeypatch.setattr(lifecycle, "BOOT", rows)
    assert [state for state in _explore(OWN)[0] if _is_wrong(state)]


def test_a_missing_row_is_a_defect():
    with pytest.raises(ValueError):
        lifecycle.after(IDLE, lifecycle.OK)
