"""A fixed set of seeded worlds in every test run; `make soak` runs many more."""

import pytest

from tests.soak.__main__ import as_json, run_seeds
from tests.soak.draw import draw
from tests.soak.plan import Event, Order, Plan
from tests.soak.reached import Reached
from tests.soak.world import World

_SEEDS = 600
_COVER = (
    321,
    388,
    400,
    403,
    404,
    406,
    583,
    599,
    692,
    994,
    995,
    1187,
    1689,
    2182,
    2290,
    2480,
)  # what these reach, the first ones may not


def test_worlds_break_nothing_and_reach_everything():
    total = Reached()
    for seeds in (range(_SEEDS), _COVER):
        reached, wrong, _ = run_seeds(seeds)
        assert not wrong, "replay with: make soak SEED=%d; %s" % (wrong[0][0], wrong)
        total.add(reached)
    assert not any(total.missing().values()), total.missing()
    assert as_json(_SEEDS, total, [], 60)["missing"] == []


@pytest.mark.parametrize("seed", [3, 41, 66, 81, 97])
def test_a_seed_is_always_the_same_world(seed):
    first, second = World(draw(seed), True), World(draw(seed), True)
    assert first.run() == second.run()
    assert first.said == second.said and len(first.said) > 5
    assert first.flash.pages == second.flash.pages


def test_a_plan_can_be_made_by_hand():
    cut = ("flash", 120, "prefix")
    world = World(Plan(orders=(Order(descriptor=True, notify=True),), cuts=(cut,), codes=(200,)))
    assert world.run() == []
    assert world.device.version == "2.0" and world.web.notifications == [(0, "900 Success")]
    assert world.events.cuts == 1 and world.tasks[0].codes == [200]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("record", "finish"), "alerts differ"),
        (("hardware", "boot", "confirm"), "confirmed too early"),
    ],
)
def test_a_defect_is_noticed(names, text):
    """Break the device on purpose."""
    world = World(Plan(orders=(Order(),), alert_codes=(500,), codes=(200,), events=(Event(("ms", 60000), "notify"),)))
    mounted = world.judge.mounted

    def broken(device):
        mounted(device)
        agent = device.agent
        if "finish" in names:
            deliver = agent.delivery.alert

            def alert(account):
                agent.record.outbox.code += 1
                return deliver(account)

            agent.delivery.alert = alert
        elif device.where == "trial":
            agent.hardware.boot.confirm()

    world.judge.mounted = broken
    assert any(text in violation for violation in world.run())
