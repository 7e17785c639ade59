"""hal/lines.py on pins that are a list: a button, a reset line, an outer watchdog."""

from hal.lines import Button, KickedWatchdog, Watchdogs, pulse
from ports.sim.clock import Clock


class Wire:
    """A pin that notes what it was given, and when."""

    def __init__(self, clock, value=0):
        self.clock, self.value, self.log = clock, value, []

    def __call__(self, value=None):
        if value is not None:
            self.value = value
            self.log.append((self.clock.ms(), value))
        return self.value


def bench(value=0):
    clock = Clock()
    wire = Wire(clock, value)
    return clock, wire, Button(wire, clock, 2000)


def run(clock, button, duration_ms):
    """Look every ten milliseconds; return how often it counted."""
    count = 0
    for _ in range(duration_ms // 10):
        count += 1 if button.step() else 0
        clock.sleep_ms(10)
    return count


def test_a_button_counts_once_when_it_was_held():
    clock, wire, button = bench()
    assert run(clock, button, 500) == 0
    wire.value = 1
    assert run(clock, button, 1990) == 0
    assert run(clock, button, 20) == 1
    assert run(clock, button, 60000) == 0
    wire.value = 0
    assert run(clock, button, 100) == 0
    wire.value = 1
    assert run(clock, button, 2100) == 1


def test_a_short_press_and_a_gap_do_not_count():
    clock, wire, button = bench()
    for _ in range(5):
        wire.value = 1
        assert run(clock, button, 1500) == 0
        wire.value = 0
        assert run(clock, button, 10) == 0


def test_a_contact_that_bounces_does_not_count_again():
    clock, wire, button = bench()
    wire.value = 1
    assert run(clock, button, 2100) == 1
    wire.value = 0
    assert run(clock, button, 20) == 0
    wire.value = 1
    assert run(clock, button, 5000) == 0


def test_a_button_that_was_held_before_the_start_is_somebody_elses():
    clock, wire, button = bench(1)
    assert run(clock, button, 10000) == 0
    wire.value = 0
    run(clock, button, 100)
    wire.value = 1
    assert run(clock, button, 2100) == 1


def test_a_pulse():
    clock = Clock()
    wire = Wire(clock)
    clock.sleep_ms(5)
    pulse(wire, clock, 20)
    assert wire.log == [(5, 1), (25, 0)]


def test_an_outer_watchdog_sees_an_edge_each_time():
    clock = Clock()
    wire = Wire(clock)
    outer = KickedWatchdog(wire, 1600)
    outer.feed()
    outer.feed()
    assert [value for _, value in wire.log] == [1, 0, 1] and outer.timeout_ms == 1600


def test_several_watchdogs_are_fed_as_one():
    clock = Clock()
    wires = Wire(clock), Wire(clock)
    both = Watchdogs(KickedWatchdog(wires[0], 1600), KickedWatchdog(wires[1], 900))
    both.feed()
    assert both.timeout_ms == 900 and [len(wire.log) for wire in wires] == [2, 2]
