"""Orders of a field server: which succeed, what is asked of silent devices, what a cancel is."""

import json
import time

import pytest

from flash_tools.errors import ToolError
from flash_tools.server.store import StoreError
from tests.host.office_device import ID, obey, package, place
from tests.host.server_agent import report


@pytest.fixture
def field():
    with place() as (office, agent):
        yield office, agent
        agent.close()


def accepted_long_ago(office, agent):
    """Order an update that the device accepts, and let an hour go by; return the order's id."""
    office.add_package(package("2.0"), "new.fup")
    order_id = office.place(ID, "new.fup")
    agent.session()
    office.desk.orders[order_id].accepted_at = time.time() - 3700
    return order_id


def test_an_update_that_went_well(field):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    office.place(ID, "new.fup")
    order = obey(agent, office, "2.0")
    assert (order["success"], order["state"], order["code"], order["failure"]) == (True, "done", 200, "")
    assert (order["firmware_before"], order["firmware_after"], order["exec_status"]) == ("1.0", "2.0", 202)
    assert order["offered"] <= order["accepted"] <= order["ended"] and len(order["sessions"]) == 2
    row = office.device(ID)
    assert (row["firmware"], row["state"], row["model"] != "") == ("2.0", "done", True)
    kinds = [event["kind"] for event in row["timeline"]]
    assert kinds == "enrolled ordered offered accepted report result".split()


def test_success_with_the_same_version_is_a_failure(field):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    office.place(ID, "new.fup")
    order = obey(agent, office)
    assert order["success"] is False and order["failure"] == "the device reported 200 and still runs 1.0"
    assert order["state"] == "failed" and office.device(ID)["state"] == "failed"


def test_success_with_a_third_version_is_a_failure(field):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    office.place(ID, "new.fup")
    order = obey(agent, office, "1.5")
    assert order["success"] is False and "runs 1.5, not 2.0" in order["failure"]


def test_a_failure_keeps_its_code(field):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    office.place(ID, "new.fup")
    order = obey(agent, office, code=410)
    assert (order["success"], order["state"], order["code"]) == (False, "failed", 410)


def test_a_device_that_runs_it_already_is_not_updated(field):
    office, agent = field
    office.add_package(package("1.0"), "same.fup")
    office.place(ID, "same.fup")
    agent.session()
    order = office.orders(ID)[0]
    assert (order["success"], order["result"]) == (True, "found") and agent.fumo.orders == []


@pytest.mark.parametrize("runs, result", [("2.0", "found"), ("1.0", "silent")])
def test_a_silent_device_is_asked_what_it_runs(field, runs, result):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    order_id = office.place(ID, "new.fup")
    agent.session()
    assert office.order(order_id)["state"] == "accepted"
    agent.session()
    assert office.order(order_id)["state"] == "accepted"  # not silent for long enough
    office.desk.orders[order_id].accepted_at = time.time() - 3700
    assert office.device(ID)["state"] == "silent"
    agent.device.version, agent.fumo.state = runs, b"10"
    agent.session()
    order = office.order(order_id)
    assert (order["result"], order["success"]) == (result, result == "found")
    assert len(agent.fumo.orders) == 1


def test_a_silent_device_that_is_at_it_is_left_alone(field):
    office, agent = field
    order_id = accepted_long_ago(office, agent)
    agent.fumo.state = b"30"
    agent.session()
    asked = office.sessions()[0]["messages"]
    agent.session()
    assert office.order(order_id)["state"] == "accepted" and office.sessions()[0]["messages"] < asked  # once is enough


def test_a_report_after_the_server_gave_up_counts(field):
    office, agent = field
    order_id = accepted_long_ago(office, agent)
    agent.fumo.state = b"10"
    agent.session()
    assert office.order(order_id)["result"] == "silent"
    agent.device.version = "2.0"
    agent.session(report("downloadandupdate", 200, order_id))
    assert (office.order(order_id)["result"], office.order(order_id)["success"]) == ("done", True)


def test_a_copy_of_a_report_is_told_apart(field):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    office.place(ID, "new.fup")
    order = obey(agent, office, "2.0")
    agent.session(report("downloadandupdate", 200, order["correlator"]))
    assert [each["copy"] for each in office.order(order["id"])["reports"]] == [False, True]
    assert office.order(order["id"])["conflicts"] == []


def test_cancelled_before_it_left_and_too_late(field):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    order_id = office.place(ID, "new.fup")
    assert office.cancel(order_id) == "cancelled"
    agent.session()
    assert agent.fumo.orders == [] and office.order(order_id)["state"] == "cancelled"
    order_id = office.place(ID, "new.fup")
    agent.session()
    assert office.cancel(order_id) == "too late: it is accepted"


def test_cancelled_while_the_device_is_being_asked(field):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    order_id = office.place(ID, "new.fup")
    seen = []

    def post(request, body):
        seen.append(body)
        if len(seen) == 2:
            assert office.cancel(order_id) == "cancelled"
        return agent.post(request, body)

    agent.session(post=post)
    assert len(seen) >= 2 and agent.fumo.orders == [] and office.order(order_id)["state"] == "cancelled"


def test_one_order_at_a_time(field):
    office, _ = field
    office.add_package(package("2.0"), "new.fup")
    office.place(ID, "new.fup")
    with pytest.raises(ToolError, match="busy with order"):
        office.place(ID, "new.fup")


def test_a_paused_device_is_left_alone(field):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    office.place(ID, "new.fup")
    office.change_device(ID, paused=True)
    agent.session()
    assert agent.fumo.orders == [] and office.device(ID)["state"] == "paused"
    office.change_device(ID, paused=False)
    agent.session()
    assert len(agent.fumo.orders) == 1


def test_nothing_is_answered_that_cannot_be_kept(field, monkeypatch):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    order_id = office.place(ID, "new.fup")
    agent.session()
    commit, fails = office.store.commit, [3]

    def broken():
        if fails[0]:
            fails[0] -= 1
            raise StoreError("disk full")
        commit()

    monkeypatch.setattr(office.store, "commit", broken)
    post = agent.post

    def insist(request, body):
        while fails[0]:
            with pytest.raises(AssertionError):  # 503 is no answer
                post(request, body)
            agent.close()
        return post(request, body)

    agent.device.version = "2.0"
    agent.session(report("downloadandupdate", 200, order_id), post=insist)
    kept = json.loads(dict(office.store._db.execute("SELECT id, record FROM record WHERE kind = 'order'"))[order_id])
    assert kept["result"] == "done" and kept["code"] == 200
    (record,) = office.store._db.execute("SELECT record FROM record WHERE kind = 'device'").fetchone()
    assert json.loads(record)["client_nonce"] == office.desk.devices[ID].client_nonce.hex()


def test_what_was_taken_back_is_kept_with_the_next_message(field, monkeypatch):
    office, agent = field
    commit = office.store.commit

    def broken():
        raise StoreError("disk full")

    def post(request, body):
        monkeypatch.setattr(office.store, "commit", broken)
        with pytest.raises(AssertionError):
            agent.post(request, body)
        agent.close()
        monkeypatch.setattr(office.store, "commit", commit)
        return agent.post(request, body)  # a repeated message: nothing in memory changes by it

    agent.session(post=post)
    (record,) = office.store._db.execute("SELECT record FROM record WHERE kind = 'device'").fetchone()
    assert json.loads(record)["client_nonce"] == office.desk.devices[ID].client_nonce.hex()


def test_a_device_that_is_gone_ends_its_order(field):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    order_id = office.place(ID, "new.fup")
    agent.session()
    agent.session()
    office.desk.orders[order_id].accepted_at -= 6 * 3600
    office.desk.profiles[ID].last_seen -= 6 * 3600
    office.tick()
    assert office.order(order_id)["state"] == "accepted"
    office.desk.orders[order_id].accepted_at -= 2 * 3600
    office.desk.profiles[ID].last_seen -= 2 * 3600
    office.tick()
    order = office.order(order_id)
    assert (order["result"], order["success"]) == ("silent", False) and "not heard" in order["failure"]
