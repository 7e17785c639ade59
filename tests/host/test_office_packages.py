"""Packages of a field server: which one a device gets, who may fetch it, what is no package; commands beside the orders."""

import pytest

from flash_tools.errors import RefusedError, ToolError, VerifyError
from flash_tools.signing import keys
from tests.host.office_device import ID, KEY, image, obey, package, place
from tests.host.server_agent import get, report


@pytest.fixture
def field():
    with place() as (office, agent):
        yield office, agent
        agent.close()


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


def test_the_same_image_for_others_is_another_package(field):
    office, agent = field
    office.add_package(package("2.0"), "a.fup")
    office.add_package(package("2.0", product="bench", models=["p"]), "b.fup")
    office.add_package(package("2.0", key=keys.new_key()), "c.fup")
    office.add_package(package("1.0", models=["p"]), "old.fup")
    office.add_package(package("2.0", old=image("1.0")), "delta.fup")
    for name in ("a.fup", "b.fup", "c.fup"):
        order_id = office.place(ID, name)
        agent.session()
        assert office.order(order_id)["package"] == name
        agent.session(report("downloadandupdate", 410, order_id))


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
    office.add_package(package("3.0"), "other.fup")
    assert get(server, inner.replace("new.fup", "other.fup"))[0] == 404  # a token is for one package
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


def test_what_is_refused_is_logged_in_a_line(field, caplog):
    office, agent = field
    with pytest.raises(ToolError):
        office.add_package(b"no package\n" * 99, "bad.fup")
    office.dm_message(b"<SyncML/>", "application/vnd.syncml.dm+xml", {}, "192.0.2.9")
    office.remove_device(ID)
    agent.session()
    lines = [record.getMessage() for record in caplog.records if record.name == "fumo"]
    assert [line.split()[:2] for line in lines] == [["refused", "the"], ["refused", "a"], ["refused", ID]]
    assert all("\n" not in line for line in lines) and office.counters()["refused"].keys() == {
        "package",
        "malformed",
        "unknown",
    }
