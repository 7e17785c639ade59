"""The server in a test: the agent's own management client does both update scenarios with it, over real sockets with TLS."""

import socket
import threading
import time

import pytest

from flash_tools.admin_client import Client
from flash_tools.errors import ToolError
from flash_tools.server.bench import BenchServer
from flash_tools.server.dm.commands import Get
from tests.dm import device as portable
from tests.host.server_agent import IMAGE, ROOT, TIMEOUT_S, Agent, Word, connect, report


@pytest.fixture
def server():
    with BenchServer() as server:
        yield server


@pytest.fixture
def agent(server):
    agent = Agent(server)
    yield agent
    agent.close()


@pytest.mark.parametrize("kind", ["xml", "wbxml"])
def test_scenario_1_push(server, kind):
    agent = Agent(server, kind=kind, user=[(200, ())])
    order = server.order(portable.ID, server.add_package(IMAGE), "push", confirm="Install 2.1?")
    agent.session()
    assert bytes(agent.fumo.data) == IMAGE and agent.fumo.orders == [("Update", order.correlator)]
    assert order.outcome.result == "waiting" and order.exec_status == 202 and agent.device.user.asked
    agent.fumo.state = b"90"
    agent.session(report("update", 200, order.correlator))
    agent.close()
    assert order.finished
    outcome = order.wait(TIMEOUT_S)
    assert (outcome.result, outcome.code, outcome.state, outcome.firmware_version) == ("done", 200, "90", "1.0")
    assert outcome.firmware_before == "1.0" and len(outcome.sessions) == 2 and len(outcome.alerts) == 1
    assert ("Alert", "", 200) in outcome.statuses and ("Exec", ROOT + "/Update", 202) in outcome.statuses


@pytest.mark.parametrize("kind", ["xml", "wbxml"])
def test_scenario_2_download_and_update(server, tmp_path, kind):
    agent = Agent(server, kind=kind)
    package = server.add_package(IMAGE, "fw 2.1", {"vendor": "V & W", "DDVersion": "1.0"})
    order = server.order(portable.ID, package, confirm="Install?")
    agent.session()
    assert agent.fumo.urls == {"DownloadAndUpdate/PkgURL": "%s?t=%s" % (package.descriptor_url, order.order_id)}
    assert agent.fumo.orders == [("DownloadAndUpdate", order.correlator)]
    link = connect(server)
    link.request("POST", "/notify/" + order.order_id, "900 Success")
    assert link.getresponse().status == 200
    link.close()
    agent.session(report("downloadandupdate", 200, order.correlator))
    agent.close()
    outcome = order.wait(TIMEOUT_S)
    assert (outcome.code, outcome.exec_status, outcome.notifications) == (200, 202, ["900 Success"])
    assert package.notifications == [(order.order_id, "900 Success")] and outcome.requests >= 6
    path = tmp_path / "a" / "run.txt"
    outcome.transcript.write(path)
    text = path.read_text()
    assert "<Correlator>%s</Correlator>" % order.correlator in text and "POST /notify/" in text
    assert portable.SECRET not in text.replace("(secret)", "") and "<NextNonce>(secret)</NextNonce>" in text


def test_download_then_update_in_the_session_of_the_alert(server, agent):
    order = server.order(portable.ID, server.add_package(IMAGE), "download", descriptor=False)
    agent.session()
    assert agent.fumo.urls["Download/PkgURL"].endswith("/packages/package-1.fup")
    agent.session(report("download", 200, order.correlator))
    assert agent.fumo.orders == [("Download", order.correlator), ("Update", order.update_correlator)]
    assert not order.finished and order.update_correlator not in (None, order.correlator)
    agent.session(report("update", 410, order.update_correlator, mark="critical"))
    outcome = order.wait(TIMEOUT_S)
    assert (outcome.result, outcome.code) == ("done", 410) and outcome.alerts[-1].mark == "critical"


def test_a_failed_download_ends_the_order(server, agent):
    order = server.order(portable.ID, server.add_package(IMAGE), "download", verify=False)
    agent.session()
    agent.session(report("download", 411, order.correlator))
    outcome = order.wait(TIMEOUT_S)
    assert (outcome.code, outcome.firmware_version, len(agent.fumo.orders)) == (411, None, 1)


def test_the_user_declines(server):
    agent = Agent(server, user=[(304, ())])
    order = server.order(portable.ID, server.add_package(IMAGE), confirm="Install?")
    agent.session()
    agent.close()
    outcome = order.wait(TIMEOUT_S)
    assert (outcome.result, outcome.code, agent.fumo.orders) == ("declined", None, [])


def test_the_device_refuses(server, agent):
    agent.fumo.code = 405
    order = server.order(portable.ID, None, "update")
    agent.session()
    assert (order.wait(TIMEOUT_S).result, order.exec_status) == ("refused", 405)


def test_the_object_is_found_by_its_type(server, agent):
    package = server.add_package(IMAGE)
    server.order(portable.ID, package, fumo="./DevDetail")
    agent.session()
    assert len(agent.fumo.orders) == 1
    agent.fumo.type_of = lambda path: ""
    order = server.order(portable.ID, package, fumo=ROOT)
    agent.session()
    assert order.wait(TIMEOUT_S).result == "refused" and len(agent.fumo.orders) == 1


def test_a_package_that_is_too_large(server, agent):
    agent.device.client.max_object = 1000
    order = server.order(portable.ID, server.add_package(IMAGE), "push")
    agent.session()
    outcome = order.wait(TIMEOUT_S)
    assert outcome.result == "refused" and "MaxObjSize" in outcome.failure


@pytest.mark.parametrize(("large", "size"), [("true", 16384), ("false", 16384), ("false", 100)])
def test_large_objects_only_where_the_device_takes_them(server, agent, large, size):
    agent.device.client.tree.objects.append(("DevDetail/LrgObj", Word(large)))
    order = server.order(portable.ID, server.add_package(bytes(size)), "push")
    agent.session()
    assert order.result == ("refused" if (large, size) == ("false", 16384) else "waiting")
    assert len(agent.fumo.data) == (0 if order.result == "refused" else size)


# --- reports


def test_copies_variants_and_contradictions(server, agent):
    order = server.order(portable.ID, server.add_package(IMAGE), verify=False)
    agent.session()
    odd = "Reversed-Domain-Name: org.openmobilealliance.firmwareupdate.downloadAndUpdate"
    server.desk.intake.alert_answers.append(503)
    agent.session(report("downloadandupdate", 200, order.correlator))
    assert agent.said == [503] and order.outcome.result == "waiting"
    agent.session({**report("", 200, order.correlator), "kind": odd, "source": ROOT + "/DownloadAndUpdate"})
    agent.session(report("downloadandupdate", 200, order.correlator))
    agent.session(report("downloadandupdate", 410, "somebody else's"))
    outcome = order.wait(TIMEOUT_S)
    assert agent.said == [200] and [each.copy for each in outcome.alerts] == [False, True] and not outcome.conflicts
    agent.session(report("downloadandupdate", 410, order.correlator))
    assert len(order.outcome.conflicts) == 1 and order.outcome.code == 200
    assert [each.code for _, each in server.desk.intake.reports] == [200, 200, 410, 410]


def test_without_a_correlator_the_kind_decides(server, agent):
    package, told = server.add_package(IMAGE), ("DownloadAndUpdate", None)
    older = server.order(portable.ID, package, correlator=None)
    agent.session(report("update", 200, None))
    newer = server.order(portable.ID, package, correlator=None)
    agent.session(report("downloadandupdate", 200, None))
    assert agent.fumo.orders == [told, told] and (older.result, newer.result) == ("done", "waiting")
    agent.session(report("downloadandupdate", 410, None))
    assert (older.code, newer.code) == (200, 410) and not older.conflicts


def test_requests(server, agent):
    asked = report("userrequest", 0, None)
    agent.session(asked)
    assert agent.said == [202] and agent.fumo.orders == []
    server.desk.intake.request_answers.append(500)
    agent.session(asked)
    server.order(portable.ID, server.add_package(IMAGE))
    agent.session(report("devicerequest", 0, None))
    assert agent.said == [200] and len(agent.fumo.orders) == 1
    assert [each.kind for _, each in server.desk.intake.requests] == ["userrequest", "userrequest", "devicerequest"]


def test_commands_beside_orders(server, agent):
    get = Get("./DevInfo/Man")
    task = server.command(portable.ID, get)
    assert not task.wait(0.01)
    agent.session()
    assert task.wait(TIMEOUT_S) and get.results[0].data == b"Maker"


# --- package 0


@pytest.mark.parametrize("wsp", [False, True])
def test_notification(server, agent, wsp):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(TIMEOUT_S)
        server.notify(portable.ID, sock.getsockname(), session_id=0x1A2B, wsp=wsp, ui_mode="background")
        body = sock.recv(2000)
        order = server.order(portable.ID, server.add_package(IMAGE), notify=sock.getsockname())
        assert portable.SERVER.encode() in sock.recv(2000)
    trigger = _judge(agent, body)
    assert (trigger.session_id, trigger.ui_mode, trigger.initiator) == (0x1A2B, 1, 1)
    agent.session(session_id=trigger.session_id)
    assert order.sessions == ["1A2B"] and server.transcript.text().count("package 0 for session") == 2


def _judge(agent, body):
    from agent.notification import Notifications

    class Clock:
        def ms(self):
            return 0

    client = agent.device.client
    return Notifications(client.accounts, client.nonces, Clock()).judge(body)


# --- the server's own life


def test_orders_survive_a_restart(tmp_path):
    with BenchServer(store=str(tmp_path / "bench.db")) as server:
        agent = Agent(server)
        order = server.order(portable.ID, server.add_package(IMAGE, "fw"), "download", confirm="Install?")
        server.restart()
        agent.close()
        agent.session()
        nonces = server.device(portable.ID)
        server.restart()
        assert server.device(portable.ID) == nonces and nonces is not server.device(portable.ID)
        agent.close()
        agent.session(report("download", 200, order.correlator))
        agent.session(report("update", 200, order.update_correlator))
        agent.close()
        again = next(iter(server.desk.orders.values()))
        outcome = again.wait(TIMEOUT_S)
        assert (outcome.code, outcome.correlator, len(outcome.alerts)) == (200, order.correlator, 2)
        assert [name for name, _ in agent.fumo.orders] == ["Download", "Update"]
        server.restart()
        assert next(iter(server.desk.orders.values())).outcome.alerts == outcome.alerts
        assert server.find_package("fw").data == IMAGE


def test_waiting_is_bounded_and_is_woken(server, agent):
    order = server.order(portable.ID, server.add_package(IMAGE), verify=False)
    begin = time.monotonic()
    assert order.wait(0.05).result == "waiting" and time.monotonic() - begin < 1
    agent.session()
    thread = threading.Timer(0.1, agent.session, (report("downloadandupdate", 200, order.correlator),))
    thread.start()
    assert order.wait(TIMEOUT_S).code == 200
    thread.join()


def test_without_tls(server):
    with BenchServer(tls=False) as plain:
        agent = Agent(plain, auth="MAC")
        assert plain.add_device("x")["auth"] == "MAC" and plain.url.startswith("http://")
        order = plain.order(portable.ID, plain.add_package(IMAGE))
        agent.session()
        agent.close()
        assert order.exec_status == 202


def test_what_cannot_be_ordered(server, agent):
    package = server.add_package(IMAGE)
    server.order(portable.ID, package, correlator="c1")
    for device, options in (("nobody", {}), (portable.ID, {"correlator": "c1"}), (portable.ID, {"method": "pigeon"})):
        with pytest.raises(ToolError):
            server.order(device, package, **options)
    with pytest.raises(ToolError):
        server.order(portable.ID, None, "push")


def test_the_page_and_its_json_interface_in_a_test():
    with BenchServer(page=True) as server:
        agent = Agent(server)
        server.add_package(IMAGE, "fw.fup")
        client = Client(server.page_url, server.token)
        order_id = client.post("/api/orders", {"device": portable.ID, "package": "fw.fup"})["id"]
        agent.session()
        agent.session(report("downloadandupdate", 410, order_id))
        assert client.get("/api/orders/" + order_id, wait=5)["code"] == 410
        client.post("/api/faults", {"kind": "http", "for": "dm", "fault": "status", "args": {"code": 503}, "times": 1})
        with pytest.raises(AssertionError):
            agent.session()
        server.restart()
        agent.close()
        assert client.get("/api/devices")["total"] == 0  # the store was in memory
