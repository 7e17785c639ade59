"""Campaigns, scene by scene: window, limits, what users do by hand, abort, later and removed devices, crashes."""

import time

import pytest

from flash_tools.errors import ToolError
from flash_tools.server.campaigns import campaign as campaigns
from tests.host.campaign_book import World, row, started

# -- when and how many ------------------------------------------------------------------------------------------------


def test_no_more_than_parallel_are_under_way():
    world = started(5, parallel=2)
    assert world.placed == ["d00", "d01"]
    world.ends("d00")
    assert world.placed == ["d01", "d02"]


def test_orders_are_placed_inside_the_window_only():
    world = started(3, window="08:30-09:00 UTC", parallel=2)
    assert world.placed == []
    world.advance(1800)
    assert world.placed == ["d00", "d01"]
    world.stage("d00", "accepted")
    world.now += 1800 - 3
    world.advance()
    assert world.placed == ["d00", "d01"]
    world.advance()
    assert world.placed == ["d00"] and world.campaign.state == "running"  # d01's had not left
    world.ends("d00")
    assert world.placed == []
    world.advance(86400 - 1800)
    assert world.placed == ["d01", "d02"] and world.campaign.targets["d01"].forgiven == 1


def test_a_busy_device_is_asked_again_when_touched_or_a_minute_later():
    world = World(3)
    asked = []
    world.book.on_place = lambda device, group: asked.append(device)
    world.book.busy = {"d00", "d02"}
    world.do("start")
    for _ in range(20):
        world.advance()
    assert asked == ["d00", "d01", "d02"] and world.placed == ["d01"]
    world.book.busy = {"d02"}
    world.campaign.touched("d00")
    world.advance()
    assert asked[3:] == ["d00"] and world.placed == ["d00", "d01"]
    world.book.busy = set()
    world.advance(60)
    assert world.placed == ["d00", "d01", "d02"]


def test_what_was_not_touched_is_seen_a_minute_later():
    world = started(2)
    world.end("d00", seen=False)
    world.advance()
    assert world.states()["d00"] == "ordered"
    world.advance(campaigns.LOOK_AGAIN_S)
    assert world.states()["d00"] == "success"
    world.end("d01", seen=False)
    world.advance(-7200)  # the clock was put back
    assert world.campaign.state == "finished"


def test_a_tick_with_thousands_under_way_asks_for_none():
    world = World(5000)
    world.do("start")
    for _ in range(5000 // campaigns.BATCH):
        world.campaign.advance(world.now, world.book)
    assert len(world.book.open()) == 5000
    world.book.asked = 0
    before = time.process_time()
    for _ in range(50):
        world.campaign.advance(world.now, world.book)
    assert world.book.asked == 0 and time.process_time() - before < 1
    world.end("d00")
    world.campaign.advance(world.now, world.book)
    assert world.book.asked == 1


def test_one_advance_places_a_batch():
    world = started(campaigns.BATCH + 5)
    assert len(world.placed) == campaigns.BATCH
    world.advance()
    assert len(world.placed) == campaigns.BATCH + 5


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_next_starts_a_group_below_the_threshold_and_not_two():
    world = started(6, group=[{"name": "a", "count": 2}, {"name": "b", "count": 2}, {"name": "c"}])
    world.do("next")
    assert world.placed == ["d00", "d01", "d02", "d03"]
    world.ends("d00", "d01")  # what follows a has begun already
    assert world.placed == ["d02", "d03"]
    world.ends("d02", "d03")
    assert world.placed == ["d04", "d05"]
    with pytest.raises(ToolError, match="no further group"):
        world.do("next")


def test_next_goes_on_after_a_pause():
    world = started(4, group=[{"name": "a", "count": 2, "errors": "1"}, {"name": "b"}])
    world.ends("d00", success=False)
    assert world.campaign.state == "paused" and world.placed == []
    world.do("next")
    assert world.placed == ["d01", "d02", "d03"] and world.campaign.state == "running"


def test_abort_says_what_had_left():
    world = started(6, parallel=4)
    world.stage("d00", "accepted")
    world.stage("d01", "downloaded")
    world.stage("d02", "offered")
    view = world.do("abort")
    assert view["state"] == "aborted" and view["ended"] is None
    assert view["aborted"] == {"cancelled": 3, "accepted": 2, "offered": 1, "running": 3}
    assert world.placed == ["d00", "d01", "d02"]
    world.ends("d00")
    world.ends("d01", "d02", success=False)
    view = world.campaign.view()
    assert view["aborted"] == {"cancelled": 3, "accepted": 2, "offered": 1, "running": 0} and view["ended"] == world.now
    assert view["counts"] == {"waiting": 0, "running": 0, "success": 1, "failed": 2, "skipped": 3}


def test_an_aborted_campaign_retries_nothing_and_a_failure_stays_one():
    world = started(2, retries=5, group=[{"name": "all", "errors": ""}])
    world.ends("d00", success=False)
    world.stage("d01", "accepted")
    world.do("abort")
    assert world.states() == {"d00": "failed", "d01": "accepted"}
    world.ends("d01", success=False)
    assert world.states() == {"d00": "failed", "d01": "failed"} and world.placed == []


@pytest.mark.parametrize(
    ("actions", "refused"),
    [
        ((), ("pause", "resume", "next", "retry", "remove", "x")),
        (("start",), ("start", "resume")),
        (("start", "pause"), ("start", "pause")),
        (("abort",), ("start", "pause", "resume", "next", "abort", "retry")),
    ],
)
def test_what_is_not_possible_is_refused_and_changes_nothing(actions, refused):
    world = World(2)
    for action in actions:
        world.do(action)
    before = world.campaign.record()
    for action in refused:
        with pytest.raises(ToolError) as error:
            world.campaign.do(action)
        assert "\n" not in str(error.value) and world.campaign.record() == before


# -- later and removed devices ----------------------------------------------------------------------------------------


def test_a_dynamic_group_takes_later_devices_until_next_closes_it():
    world = started(1, filter="model == 'm'", group=[{"name": "all", "dynamic": True}])
    world.ends("d00")
    assert world.campaign.state == "running"
    assert not world.campaign.arrive(row("x", model="other")) and not world.campaign.arrive(row("y", firmware="2.0"))
    assert not world.campaign.arrive(row("d00")) and world.campaign.arrive(row("z"))
    world.advance()
    assert world.placed == ["z"]
    world.do("next")
    world.crash()
    assert not world.campaign.arrive(row("w")) and world.campaign.state == "running"
    world.ends("z")
    assert world.campaign.state == "finished" and not world.campaign.arrive(row("w"))


def test_without_a_dynamic_group_later_devices_stay_out():
    world = started(1)
    assert not world.campaign.arrive(row("x"))


def test_removed_devices_leave():
    world = started(3, parallel=1)
    world.campaign.leave("d02")
    world.campaign.leave("d00")
    world.campaign.leave("nobody")
    world.advance()
    assert world.states() == {"d00": "ordered", "d01": "waiting", "d02": "skipped"}
    world.ends("d00", success=False, failure="the device was removed")
    world.do("resume")
    world.ends("d01")
    assert world.campaign.state == "finished"


def test_a_crash_before_the_commit_places_no_second_order():
    world = World(3)
    world.campaign.do("start")
    world.commit()
    world.campaign.advance(world.now, world.book)
    assert len(world.book.orders) == 3
    world.crash()
    assert world.placed == [] and world.campaign.state == "running"
    world.advance()
    world.crash()
    world.advance()
    assert len(world.book.orders) == 3
    world.end("d01")
    world.crash()  # nobody was told: the first advance looks at all
    world.advance()
    assert world.states() == {"d00": "ordered", "d01": "success", "d02": "ordered"}
