"""Orders of a field server: which succeed, what is asked of silent devices, which package a device gets, what a cancel is."""

import json
import time

import pytest

from flash_tools import keys
from flash_tools.errors import RefusedError, ToolError, VerifyError
from flash_tools.server.store import StoreError
from tests.host.office_device import ID, KEY, image, obey, package, place
from tests.host.server_agent import get, report


@pytest.fixture
def field():
    with place() as (office, agent):
        yield office, agent
        agent.close()


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
    assert (
        kinds == "enrolled ordered contact offered session contact report result session".split() or "accepted" in kinds
    )


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
    office.add_package(package("2.0"), "new.fup")
    order_id = office.place(ID, "new.fup")
    agent.session()
    office.desk.orders[order_id].accepted_at = time.time() - 3700
    agent.fumo.state = b"30"
    agent.session()
    asked = office.sessions()[0]["messages"]
    agent.session()
    assert office.order(order_id)["state"] == "accepted" and office.sessions()[0]["messages"] < asked  # once is enough


def test_a_report_after_the_server_gave_up_counts(field):
    office, agent = field
    office.add_package(package("2.0"), "new.fup")
    order_id = office.place(ID, "new.fup")
    agent.session()
    office.desk.orders[order_id].accepted_at = time.time() - 3700
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


def test_delta_where_the_device_runs_its_base(field):
    office, agent = field
    for name, data in (
        ("old.fup", package("1.0")), ("new.fup", package("2.0")), ("delta.fup", package("2.0", old=image("1.0"))),
        ("wrong.fup", package("2.0", old=image("0.9"))),
    ):  # fmt: skip
        office.add_package(data, name)
    assert office.package("delta.fup")["base_version"] == "1.0" and office.package("wrong.fup")["base_version"] == ""
    order_id = office.place(ID, "new.fup")
    agent.session()
    url = agent.fumo.urls["DownloadAndUpdate/PkgURL"]
    assert url.endswith("/delta.fup.dd") and office.order(order_id)["package"] == "delta.fup"
    obey(agent, office, code=410)
    order = office.new_order(ID, "new.fup", "download-and-update", attempt=2)  # a retry takes the full one
    agent.device.version = "1.0"
    agent.session()
    assert agent.fumo.urls["DownloadAndUpdate/PkgURL"].endswith("/new.fup.dd") and order.package == "new.fup"


def test_full_where_the_device_runs_something_else(field):
    office, agent = field
    for name, data in (
        ("old.fup", package("1.0")), ("new.fup", package("2.0")), ("delta.fup", package("2.0", old=image("1.0"))),
    ):  # fmt: skip
        office.add_package(data, name)
    agent.device.version = "1.1"
    office.place(ID, "delta.fup")
    agent.session()
    assert agent.fumo.urls["DownloadAndUpdate/PkgURL"].endswith("/new.fup.dd")


def test_downloads_are_for_who_has_the_token(field):
    office, agent = field
    data = package("2.0")
    office.add_package(data, "new.fup")
    order_id = office.place(ID, "new.fup")
    agent.session()
    server = agent.server
    path = agent.fumo.urls["DownloadAndUpdate/PkgURL"].removeprefix(server.url)
    status, _, body, _ = get(server, path)
    inner = body.decode().partition("<objectURI>")[2].partition("<")[0].removeprefix(server.url)
    assert status == 200 and inner == path.removesuffix(".dd") and "/notify/" in body.decode()
    assert get(server, inner, Range="bytes=0-99")[2] == data[:100]
    assert office.order(order_id)["bytes"] == 100 and office.device(ID)["state"] == "downloading"
    assert get(server, inner)[2] == data and office.device(ID)["state"] == "installing"
    assert office.counters()["bytes_served"] == 100 + len(data)
    for wrong in (
        "/packages/new.fup",
        "/descriptors/new.fup.dd",
        inner.replace("/d/", "/d/x"),
        inner + "x",
        "/d//new.fup",
    ):
        assert get(server, wrong)[0] == 404


def test_a_package_elsewhere(field):
    office, agent = field
    data = package("2.0")
    shown = office.add_package(data, "far.fup", url="https://cdn.example/far.fup")
    assert shown["size"] == len(data) and shown["url"] == "https://cdn.example/far.fup"
    office.place(ID, "far.fup")
    agent.session()
    path = agent.fumo.urls["DownloadAndUpdate/PkgURL"].removeprefix(agent.server.url)
    text = get(agent.server, path)[2].decode()
    assert "<objectURI>https://cdn.example/far.fup</objectURI>" in text and "<size>%d</size>" % len(data) in text
    assert get(agent.server, path.removesuffix(".dd"))[0] == 404
    office.cancel(office.orders(ID)[0]["id"])
    with pytest.raises(ToolError, match="elsewhere"):
        office.desk.orders.clear()
        office.desk._orders_of.clear()
        office.place(ID, "far.fup", "push")


def test_uploads_that_are_no_packages(field):
    office, _ = field
    for bad in (b"", b"FUP1", b"x" * 5000, package("2.0")[:-5], package("2.0") + b"x"):
        with pytest.raises(ToolError):
            office.add_package(bad, "bad.fup")
    office.add_signer(keys.public_pem(KEY).decode(), "me")
    with pytest.raises(RefusedError, match="unknown key"):
        office.add_package(package("2.0", key=keys.new_key()), "bad.fup")
    forged = bytearray(package("2.0"))
    forged[300] ^= 1
    with pytest.raises((RefusedError, VerifyError)):
        office.add_package(bytes(forged), "bad.fup")
    with pytest.raises(ToolError, match="name"):
        office.add_package(package("2.0"), "../bad.fup")
    assert office.packages() == [] and office.add_package(package("2.0"), "good.fup")["signer"] == "me"


def test_what_orders_use_stays(field):
    office, _ = field
    office.add_package(package("2.0"), "new.fup")
    office.place(ID, "new.fup")
    with pytest.raises(ToolError, match="under way"):
        office.remove_package("new.fup")
    with pytest.raises(ToolError, match="another package"):
        office.add_package(package("3.0"), "new.fup")


def test_commands_on_any_subtree_outlive_the_server(tmp_path):
    with place(store=str(tmp_path / "a.db")) as (office, agent):
        commands = [{"do": "get", "uri": "./DevDetail/FwV"}, {"do": "replace", "uri": "./DevDetail/FwV", "value": "9"}]
        task_id = office.command_device(ID, commands)
        agent.server.restart()
        office = agent.server.office
        assert not office.task(task_id)["done"] and office.device(ID)["tasks"][0]["id"] == task_id
        agent.close()
        agent.session()
        task = office.task(task_id)
        assert task["done"] and task["commands"][0]["results"][0]["value"] == "1.0"
        assert task["commands"][1]["status"] in (405, 425) and office.store.records("task") == []
        agent.close()


@pytest.mark.parametrize(
    "commands",
    [[], [{}], [{"do": "format", "uri": "./x"}], [{"do": "get", "uri": ""}], [{"do": "get", "uri": "./\n"}], "get", [{"do": 1}],
     [{"do": "get", "uri": "./x", "list": "All"}], [{"do": "add", "uri": "./x", "value": "%", "format": "bin"}], [7],
     [{"do": "get", "uri": "./x", "more": "y"}], [{"do": "get", "uri": "./x"}] * 51],
)  # fmt: skip
def test_commands_that_are_none(field, commands):
    office, _ = field
    with pytest.raises(ToolError):
        office.command_device(ID, commands)
    assert office.device(ID)["tasks"] == []


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
