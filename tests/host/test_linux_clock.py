"""ports/cpython_linux/clock.py: durations that nobody can set, and a date only where somebody has told it."""

import datetime

import pytest

from ports.cpython_linux.clock import Clock


@pytest.mark.parametrize(
    ("date", "known"), [((1970, 1, 1), False), ((2025, 12, 31), False), ((2026, 1, 1), True), ((2040, 5, 6), True)]
)
def test_a_date_before_this_software_is_none(date, known):
    seconds = datetime.datetime(*date, tzinfo=datetime.UTC).timestamp() + 0.75
    assert Clock(now=lambda: seconds).unix() == (int(seconds) if known else None)


def test_durations_do_not_follow_the_date():
    now, ns = [1e9], [5_000_000_000]
    clock = Clock(lambda: now[0], lambda: ns[0])
    then = clock.ms()
    now[0], ns[0] = 2e9, ns[0] + 1_999_999_999
    assert then == 5000 and clock.since(then) == 1999 and isinstance(clock.unix(), int)


def test_the_systems_own():
    clock = Clock()
    then = clock.ms()
    clock.sleep_ms(5)
    assert 5 <= clock.since(then) < 5000
