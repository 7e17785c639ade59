"""A sample of the power cuts in serial recovery; `make powercut` has them all."""

import pytest

from tests.powercut import recovery
from tests.powercut.recovery import EFFECTS, WORLDS


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_a_cut_at_every_operation(name):
    count = recovery.operations(name)

    def two_of_them(number):
        return [EFFECTS[(number * 5 + i * 3) % len(EFFECTS)] for i in range(2)]

    _, cuts, violations = recovery.single_cuts(name, range(1, count + 1), two_of_them)
    assert violations == []
    assert cuts > count > 80


@pytest.mark.parametrize("seed", range(12))
def test_many_cuts_in_one_recovery(seed):
    recovery.many_cuts(seed)


def test_a_schedule_is_replayed_by_its_name():
    assert recovery.replay("recovery/nothing-left/40/half") == [] == recovery.replay("recovery/seed/3")
