"""Campaigns of a running server: orders and targets are kept together, whatever happens in between."""

import pytest

from flash_tools.errors import ToolError
from flash_tools.server.store import StoreError
from tests.host.office_device import ID, package, place
from tests.host.server_agent import report

TRIAL = {"name": "trial", "package": "new.fup", "start": "now"}


@pytest.fixture
def field(tmp_path):
    with place(store=str(tmp_path / "s.db")) as (office, agent):
        agent.session()
        office.add_package(package("2.0"), "new.fup")
        yield office, agent
        agent.close()


def target(office, device=ID, campaign="trial"):
    return next(each for each in office.campaign(campaign)["targets"] if each["device"] == device)


def test_to_the_end(field):
    office, agent = field
    assert office.add_campaign({**TRIAL, "start": "manual"})["state"] == "ready"
    agent.session()
    assert agent.fumo.orders == []
    office.campaign_do("trial", "start")
    agent.session()
    agent.session()
    assert target(office)["state"] == "accepted"
    agent.device.version = "2.0"
    agent.session(report("downloadandupdate", 200, target(office)["order"]))
    campaign = office.campaign("trial")
    assert campaign["state"] == "finished" and campaign["results"] == {"200": 1} and campaign["counts"]["success"] == 1
    assert [each["text"] for each in office.timeline(campaign="trial", kinds=["campaign"])] == [
        "added",
        "start",
        "finished",
    ]
    office.tick()
    agent.session()
    assert len(agent.fumo.orders) == 1 and office.history()["done"] == [1]


def test_over_a_restart_at_each_step(field):
    office, agent = field
    server = agent.server
    office.add_campaign(TRIAL)
    for step in ("ordered", "accepted", "accepted"):
        assert target(server.office)["state"] == step
        server.restart()
        agent.close()
        server.office.tick()
        agent.session()
    order = target(server.office)["order"]
    server.restart()
    agent.close()
    agent.device.version = "2.0"
    agent.session(report("downloadandupdate", 200, order))
    server.restart()
    assert server.office.campaign("trial")["state"] == "finished" and target(server.office)["attempts"] == 1
    assert agent.fumo.orders == [("DownloadAndUpdate", order)] and len(server.office.orders()) == 1


def test_a_failure_is_tried_again_and_stops_the_campaign(field):
    office, agent = field
    office.add_device("never")
    office.add_campaign({**TRIAL, "retries": 1, "group": [{"name": "all", "errors": "1"}]})
    for attempt in (1, 2):
        agent.session()
        assert target(office)["attempts"] == attempt
        agent.session(report("downloadandupdate", 410, target(office)["order"]))
    campaign = office.campaign("trial")
    assert campaign["state"] == "paused" and campaign["reason"] and campaign["results"] == {"410": 1}
    agent.session()
    assert len(agent.fumo.orders) == 2 and target(office)["code"] == 410


def test_abort_says_how_many_have_accepted(field):
    office, agent = field
    office.add_device("never")
    office.add_campaign(TRIAL)
    agent.session()
    agent.session()
    campaign = office.campaign_do("trial", "abort")
    assert (campaign["aborted"]["accepted"], campaign["aborted"]["cancelled"]) == (1, 1)
    assert office.orders("never")[0]["state"] == "cancelled" and office.device("never")["state"] == "new"
    agent.device.version = "2.0"
    agent.session(report("downloadandupdate", 200, target(office)["order"]))
    assert target(office)["state"] == "success" and office.campaign("trial")["state"] == "aborted"
    assert office.campaign_do("trial", "remove") and office.campaigns() == []


def test_a_device_that_is_busy_comes_later(field):
    office, agent = field
    order = office.place(ID, "new.fup")
    office.add_campaign(TRIAL)
    assert target(office)["state"] == "waiting"
    agent.session()
    agent.session(report("downloadandupdate", 410, order))
    assert target(office)["state"] == "accepted" and len(office.orders(ID)) == 2  # in the same session


def test_a_later_device_joins_the_dynamic_group(field):
    office, _ = field
    office.add_campaign({**TRIAL, "filter": "tag == 'field'", "group": [{"name": "all", "dynamic": True}]})
    assert office.campaign("trial")["targets"] == []
    office.change_device(ID, tags=["field"])
    assert target(office)["state"] == "ordered"
    office.add_device("other", tags=["field"])
    assert target(office, "other")["state"] == "ordered"
    office.remove_device("other")
    assert target(office, "other")["state"] == "skipped"


def test_who_runs_it_already_is_skipped(field):
    office, _ = field
    office.add_package(package("1.0"), "same.fup")
    office.add_campaign({**TRIAL, "name": "same", "package": "same.fup"})
    assert target(office, campaign="same")["state"] == "skipped" and office.campaign("same")["state"] == "finished"


def test_what_is_no_campaign(field):
    office, _ = field
    for bad, words in (
        ({**TRIAL, "package": "none.fup"}, "no package"), ({"name": "x"}, "package is missing"), ("[campaign", "TOML"),
        ({**TRIAL, "filter": "__import__('os')"}, "filter"), ({**TRIAL, "retries": -1}, "retries"),
    ):  # fmt: skip
        with pytest.raises(ToolError, match=words):
            office.add_campaign(bad)
    assert office.campaigns() == []
    office.add_campaign(TRIAL)
    for call in (lambda: office.add_campaign(TRIAL), lambda: office.campaign_do("trial", "remove"),
                 lambda: office.campaign_do("trial", "dance"), lambda: office.campaign("other")):  # fmt: skip
        with pytest.raises(ToolError):
            call()


def test_nothing_half_done_when_the_store_fails(field, monkeypatch):
    office, agent = field
    office.add_campaign({**TRIAL, "start": "manual"})
    commit, fails = office.store.commit, [True]
    monkeypatch.setattr(
        office.store, "commit", lambda: fails and fails.pop() and (_ for _ in ()).throw(StoreError("full")) or commit()
    )
    with pytest.raises(ToolError, match="cannot keep"):
        office.campaign_do("trial", "start")
    office.tick()
    states = office.campaign("trial")["state"], target(office)["state"], len(office.orders())
    server = agent.server
    server.restart()
    assert states == (
        server.office.campaign("trial")["state"],
        target(server.office)["state"],
        len(server.office.orders()),
    )
