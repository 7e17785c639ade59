"""Campaigns, scene by scene: groups, thresholds, pause."""

import time

import pytest

from flash_tools.errors import ToolError
from tests.host.campaign_book import World, row, started

CANARY = {"name": "canary", "count": 2, "then": "pause", "errors": "1"}
EARLY = {"name": "early", "percent": 20, "success": "50%", "errors": "2"}
REST = {"name": "rest", "success": "80%", "errors": "50%"}


def groups(world):
    return [(group["name"], group["state"], group["size"]) for group in world.campaign.view()["groups"]]


def test_a_campaign_from_start_to_end():
    world = World(10, group=[CANARY, EARLY, REST])
    assert world.campaign.view()["state"] == "ready" and world.placed == []
    assert world.advance() and not world.advance()
    world.do("start")
    assert world.placed == ["d00", "d01"] and groups(world)[0] == ("canary", "running", 2)
    world.ends("d00")
    assert world.placed == ["d01"]  # 100 % are wanted
    world.ends("d01")
    view = world.campaign.view()
    assert (view["state"], world.placed) == ("paused", []) and "canary: 2 of 2" in view["reason"]
    world.crash()
    world.do("resume")
    assert world.placed == ["d02", "d03"]  # 20 % of all ten
    world.ends("d02")  # 50 % are enough: the rest starts beside d03
    assert world.placed == ["d03", *("d%02d" % n for n in range(4, 10))]
    world.ends("d03", *("d%02d" % n for n in range(4, 10)))
    view = world.campaign.view()
    assert view["state"] == "finished" and view["reason"] == "" and view["results"] == {"200": 10}
    assert [state for _, state, _ in groups(world)] == ["done"] * 3
    assert view["counts"] == {"waiting": 0, "running": 0, "success": 10, "failed": 0, "skipped": 0}
    assert view["created"] < view["started"] < view["ended"] and not world.advance(1000)


def test_the_view_has_all_that_the_page_shows():
    world = started(3, filter="model == 'm'", window="00:00-24:00", retries=1)
    world.stage("d00", "accepted")
    world.advance()
    view = world.campaign.view()
    names = "name state package version filter start retries window method reason created started ended groups counts"
    assert set(names.split()) < set(view) and view["aborted"] is None and view["version"] == "2.0"
    [group] = view["groups"]
    assert group.pop("counts") == {"waiting": 0, "running": 3, "success": 0, "failed": 0, "skipped": 0}
    words = {"name": "all", "state": "running", "success": "100%", "errors": "10%", "then": "next"}
    assert group == {**words, "size": 3, "dynamic": False}
    first = {"device": "d00", "group": "all", "state": "accepted", "attempts": 1, "order": "o0"}
    assert world.campaign.view_targets()[0] == {**first, "code": None, "failure": ""}


def test_the_filter_and_the_version_choose_the_targets():
    rows = [row("a", model="x"), row("b"), row("c", firmware="2.0"), row("d")]
    world = started(rows=rows, filter="model == 'm'")
    assert world.states() == {"b": "ordered", "c": "skipped", "d": "ordered"}
    assert world.campaign.view()["counts"]["skipped"] == 1
    world.ends("b", "d")
    assert world.campaign.state == "finished" and world.campaign.groups[0].is_met  # those skipped are no part of 100 %


def test_skipped_devices_leave_the_first_group_its_size():
    rows = [row("a", firmware="2.0"), row("b", firmware="2.0"), row("c"), row("d"), row("e")]
    world = started(rows=rows, group=[CANARY, {"name": "rest"}])
    assert world.placed == ["c", "d"] and groups(world)[0][2] == 2 and groups(world)[1][2] == 3


def test_a_campaign_without_devices():
    with pytest.raises(ToolError, match="no devices"):
        World(0).do("start")
    world = World(0, start="now")
    world.advance()
    assert world.campaign.state == "finished" and "fits no device" in world.campaign.reason
    world = started(rows=[row("a", firmware="2.0")])
    assert world.campaign.state == "finished"


def test_until_it_starts_the_targets_can_be_frozen_again():
    world = World(2)
    world.campaign.open([row("x"), row("x"), row("y")])
    assert set(world.campaign.targets) == {"x", "y"} and world.campaign.groups[0].size == 2
    world.do("start")
    with pytest.raises(ToolError, match="stay the same"):
        world.campaign.open([])


@pytest.mark.parametrize("start", ["2027-01-15T08:00:30+00:00", "2027-01-15T08:00:30Z"])
def test_it_starts_at_its_time(start):
    world = World(1, start=start)  # World begins at 2027-01-15T08:00:00Z
    world.advance(29)
    assert world.campaign.state == "ready" and world.placed == []
    world.advance(1)
    assert world.campaign.state == "running" and world.placed == ["d00"]


def test_a_time_without_a_zone_is_local():
    world = World(1, start=time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(1_800_000_000 + 30)))
    world.advance(29)
    assert world.placed == []
    world.advance(1)
    assert world.placed == ["d00"]


# -- failures ---------------------------------------------------------------------------------------------------------


def test_too_many_failures_stop_it_and_take_back_what_has_not_left():
    world = started(10, group=[{"name": "all", "errors": "2"}])
    world.stage("d05", "accepted")
    world.stage("d06", "offered")
    world.ends("d00", success=False)
    assert world.campaign.state == "running"
    world.ends("d01", success=False)
    view = world.campaign.view()
    assert view["state"] == "paused" and "2 of 10 devices have failed" in view["reason"]
    assert view["groups"][0]["state"] == "error" and world.placed == ["d05", "d06"]
    assert view["counts"] == {"waiting": 6, "running": 2, "success": 0, "failed": 2, "skipped": 0}
    world.ends("d05", success=False)  # it had left: it is counted
    assert world.campaign.view()["counts"]["failed"] == 3 and world.placed == ["d06"]


def test_resume_forgives_the_failures_that_were_seen():
    world = started(10, group=[{"name": "all", "errors": "2"}])
    world.ends("d00", "d01", success=False)
    world.crash()
    world.do("resume")
    world.crash()
    world.advance()
    assert world.campaign.state == "running" and len(world.placed) == 8
    world.ends("d02", success=False)
    assert world.campaign.state == "running"
    world.ends("d03", success=False)
    assert world.campaign.state == "paused"


def test_a_pause_by_hand_forgives_nothing():
    world = started(10, group=[{"name": "all", "errors": "2"}])
    world.ends("d00", success=False)
    world.do("pause")
    world.do("resume")
    world.ends("d01", success=False)
    assert world.campaign.state == "paused" and "failed" in world.campaign.reason


@pytest.mark.parametrize(
    ("errors", "size", "limit"), [("5%", 10, 1), ("20%", 10, 2), ("21%", 10, 3), ("3", 10, 3), ("100%", 4, 4)]
)
def test_an_error_threshold_in_percent_is_of_the_group(errors, size, limit):
    world = started(size + 1, group=[{"name": "a", "count": size, "errors": errors}, {"name": "b"}])
    for n in range(limit):
        assert world.campaign.state == "running"
        world.ends("d%02d" % n, success=False)
    assert world.campaign.state == "paused" and "have failed" in world.campaign.reason


def test_without_an_error_threshold_it_goes_on():
    world = started(4, group=[{"name": "all", "errors": ""}])
    world.ends("d00", "d01", "d02", success=False)
    assert world.campaign.state == "running"
    world.ends("d03")
    assert world.campaign.state == "finished" and groups(world)[0][1] == "error"


def test_a_failure_at_the_very_end_has_nothing_to_stop():
    world = started(2)
    world.ends("d00", success=False, code=None, failure="silent: nothing for 24 hours", seen=True)
    assert world.campaign.state == "paused"  # d01 is to be protected
    world.do("resume")
    world.ends("d01", success=False, code=200, failure="the version is the same")
    view = world.campaign.view()
    assert view["state"] == "finished" and view["groups"][0]["state"] == "error"
    assert view["results"] == {"silent": 1, "200 (failed)": 1}


def test_a_group_that_ends_below_its_success_threshold_pauses():
    world = started(6, group=[{"name": "a", "count": 4, "success": "75%", "errors": ""}, {"name": "b"}])
    world.ends("d00", "d01", success=False)
    world.ends("d02", "d03")
    assert (
        world.campaign.state == "paused" and "group a is over: 2 of 4" in world.campaign.reason and world.placed == []
    )
    world.do("resume")
    assert world.placed == ["d04", "d05"]


def test_resume_after_a_group_that_failed_whole_starts_the_next():
    world = started(3, group=[{"name": "a", "count": 2, "errors": "2"}, {"name": "b"}])
    world.ends("d00", "d01", success=False)
    assert world.campaign.state == "paused" and "have failed" in world.campaign.reason
    world.do("resume")
    assert world.placed == ["d02"] and world.campaign.state == "running"


def test_a_success_threshold_is_reached_exactly():
    world = started(11, group=[{"name": "a", "count": 10, "success": "95%"}, {"name": "b"}])
    world.ends(*("d%02d" % n for n in range(9)))
    assert world.placed == ["d09"]
    world.ends("d09")
    assert world.placed == ["d10"]


def test_errors_go_before_success():
    world = started(3, group=[{"name": "a", "count": 2, "success": "50%", "errors": "1"}, {"name": "b"}])
    world.end("d00")
    world.ends("d01", success=False)
    assert world.campaign.state == "paused" and world.placed == []
    world.do("resume")
    assert world.placed == ["d02"]


def test_a_device_that_cannot_have_an_order_fails_at_once():
    world = World(20, retries=3, group=[{"name": "all", "errors": "3"}])
    world.book.gone = {"d00", "d01", "d02"}
    world.do("start")
    assert world.campaign.state == "paused" and world.placed == []
    assert world.campaign.view()["results"] == {"no order": 3}
    assert world.campaign.targets["d00"].failure == "no order: there is no device d00"


def test_percents_are_of_the_devices_that_are_to_be_updated():
    rows = [row("d%02d" % n, firmware="2.0" if n < 8 else "1.0") for n in range(10)]
    world = started(rows=rows, group=[{"name": "all", "errors": "50%"}])
    world.ends("d08", success=False)
    assert world.campaign.state == "paused"


def test_more_successes_than_devices_are_not_wanted():
    world = started(3, group=[{"name": "a", "count": 2, "success": "5"}, {"name": "b"}])
    world.ends("d00", "d01")
    assert world.placed == ["d02"]
