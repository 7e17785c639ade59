"""Campaigns, scene by scene: retries, retry by hand, orders taken back; the example of the page."""

import pytest

from flash_tools.errors import ToolError
from tests.host.campaign_book import row, started


def test_retries_count_only_the_last_failure():
    world = started(2, retries=2, group=[{"name": "all", "errors": "1"}])
    for attempt in (1, 2):
        assert world.campaign.targets["d00"].attempts == attempt
        world.ends("d00", success=False)
        assert world.campaign.state == "running" and "d00" in world.placed
    world.ends("d00")
    target = world.campaign.targets["d00"]
    assert (target.state, target.attempts, target.failure, target.code) == ("success", 3, "", 200)
    for _ in range(3):
        world.ends("d01", success=False)
    target = world.campaign.targets["d01"]
    assert (target.state, target.attempts, target.code) == ("failed", 3, 410)
    assert world.campaign.state == "finished"


def test_orders_taken_back_cost_no_attempt():
    world = started(1, retries=1)
    for _ in range(5):
        world.do("pause")
        assert world.placed == []
        world.do("resume")
    world.ends("d00", success=False)
    assert world.placed == ["d00"]  # the retry is still there
    world.ends("d00", success=False)
    assert world.states() == {"d00": "failed"}


def test_retry_gives_failed_devices_their_attempts_again():
    world = started(3, retries=1, group=[{"name": "all", "errors": "2"}])
    world.ends("d00", "d01", "d02", success=False)
    world.ends("d02")
    world.ends("d00", "d01", success=False)
    assert world.campaign.state == "finished" and world.campaign.view()["counts"]["failed"] == 2
    view = world.do("retry")
    assert view["state"] == "running" and view["ended"] is None and world.placed == ["d00", "d01"]
    world.ends("d00", "d01", success=False)
    assert world.placed == ["d00", "d01"]
    world.ends("d00", "d01")
    assert world.campaign.state == "finished" and world.campaign.view()["results"] == {"200": 3}
    with pytest.raises(ToolError, match="no failed device"):
        world.do("retry")


def test_retry_while_paused_waits_for_resume():
    world = started(4, group=[{"name": "a", "count": 2, "errors": "2"}, {"name": "b"}])
    world.ends("d00", "d01", success=False)
    assert world.do("retry")["state"] == "paused" and world.placed == []
    world.do("resume")
    assert world.placed == ["d00", "d01"]
    world.ends("d00", "d01")
    assert world.placed == ["d02", "d03"]


def test_an_order_cancelled_by_somebody_else_is_not_placed_again():
    world = started(2, retries=3)
    world.book.cancel(world.book.order_of("d00"))
    world.campaign.touched("d00")
    world.advance()
    assert world.states()["d00"] == "skipped" and "cancelled" in world.campaign.targets["d00"].failure


def test_retried_failures_are_counted_again():
    world = started(4, group=[{"name": "all", "errors": "2"}])
    world.ends("d00", "d01", success=False)
    world.do("resume")
    world.do("retry")
    world.ends("d00", success=False)
    assert world.campaign.state == "running"
    world.ends("d01", success=False)
    assert world.campaign.state == "paused"


def test_a_retried_group_comes_before_the_next():
    world = started(3, group=[{"name": "a", "count": 2, "errors": ""}, {"name": "b"}])
    world.ends("d00")
    world.ends("d01", success=False)
    assert "is over" in world.campaign.reason
    world.do("retry")
    world.do("resume")
    assert world.placed == ["d01"]
    world.ends("d01")
    assert world.placed == ["d02"]


def test_the_thresholds_worked_out_on_the_page():
    rows = [row("d%02d" % n, firmware="2.0" if n < 4 else "1.0") for n in range(100)]
    canary = {"name": "canary", "count": 2, "then": "pause", "errors": "1"}
    early = {"name": "early", "percent": 20, "success": "90%", "errors": "5%"}
    rest = {"name": "rest", "success": "95%", "errors": "5%", "dynamic": True}
    world = started(rows=rows, retries=2, group=[canary, early, rest])
    assert [group.due for group in world.campaign.groups] == [2, 20, 74]
    world.ends(*world.placed)
    assert world.campaign.state == "paused"
    world.do("resume")
    stubborn, slow, *others = world.placed
    world.ends(others[0], success=False)
    world.ends(*others[:17])
    assert world.campaign.groups[1].counts["success"] == 17 and not world.campaign.groups[2].started
    world.ends(others[17])
    assert world.campaign.groups[2].started and len(world.placed) == 2 + 74
    for _ in range(3):
        assert world.campaign.state == "running"
        world.ends(stubborn, success=False)
    assert world.campaign.state == "paused" and world.placed == []  # all that had not left
    world.do("resume")
    assert world.campaign.state == "running" and len(world.placed) == 75
    world.ends(slow)
    failing = world.placed[:3]
    for _ in range(3):
        world.ends(*failing, success=False)
    assert world.campaign.state == "running"
    world.ends(*world.placed)
    assert world.campaign.view()["groups"][2]["state"] == "done" and world.campaign.state == "running"
    world.do("next")
    assert (
        world.campaign.state == "finished"
        and [group["state"] for group in world.campaign.view()["groups"]] == ["done"] * 3
    )
