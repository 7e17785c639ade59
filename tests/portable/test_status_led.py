"""The status LED: a pattern for each state, and never a wait."""

from agent.job import ACCEPTED, ARM, DOWNLOAD, IDLE, READY, REPORT, TRIAL
from hal.status_led import StatusLed, state_of
from ports.sim.clock import Clock

STATES = ("idle", "working", "trial", "fallback", "recovery", "fault")


class Lamp:
    """Remembers when it was switched."""

    def __init__(self, clock):
        self._clock, self.history = clock, []

    def __call__(self, value):
        self.history.append((self._clock.ms(), value))


def _record(state, duration_ms, step_ms=1):
    clock = Clock()
    lamp = Lamp(clock)
    led = StatusLed(lamp, clock)
    led.show(state)
    while clock.ms() < duration_ms:
        before = clock.us
        wait_ms = led.step()
        assert clock.us == before and wait_ms > 0
        clock.sleep_ms(min(wait_ms, step_ms))
    return lamp.history[-1:] if duration_ms == 0 else lamp.history


def test_patterns_differ_and_go_round():
    seen = set()
    for state in STATES:
        history = _record(state, 6000)
        lengths = [b[0] - a[0] for a, b in zip(history, history[1:])]
        assert [value for _, value in history[-4:]] in ([0, 1, 0, 1], [1, 0, 1, 0]), state
        seen.add(tuple(lengths[-8:]))
    assert len(seen) == len(STATES)
    assert [b[0] - a[0] for a, b in zip(_record("working", 3000), _record("working", 3000)[1:])][-2:] == [500, 500]


def test_what_step_returns_is_when_to_come_again():
    assert _record("fallback", 6000, 100000) == _record("fallback", 6000)


def test_late_steps_neither_pile_up_nor_wait():
    clock = Clock()
    lamp = Lamp(clock)
    led = StatusLed(lamp, clock)
    clock.sleep_ms(3600000)
    led.step()
    assert len(lamp.history) == 2 and led.step() > 0 and len(lamp.history) == 2


def test_showing_the_same_again_does_not_begin_again():
    clock = Clock()
    lamp = Lamp(clock)
    led = StatusLed(lamp, clock)
    for _ in range(10):
        led.show("idle")
        clock.sleep_ms(10)
        led.step()
    assert [value for _, value in lamp.history] == [1, 0]
    led.show("fault")
    assert led.state == "fault" and lamp.history[-1][1] == 1


def test_states_of_a_job():
    assert [state_of(phase, False) for phase in (IDLE, REPORT)] == ["idle", "idle"]
    assert [state_of(phase, True) for phase in (IDLE, REPORT, DOWNLOAD)] == ["fallback", "fallback", "working"]
    assert [state_of(phase, False) for phase in (ACCEPTED, DOWNLOAD, READY, ARM)] == ["working"] * 4
    assert state_of(TRIAL, True) == "trial"
