"""What goes wrong in management sessions with the server in a test: each ends in an accepted order or a clear refusal."""

import http.client
import socket

import pytest

from agent.errors import LinkError
from flash_tools.errors import ToolError
from flash_tools.server import web_faults
from flash_tools.server.bench import BenchServer
from tests.dm import device as portable
from tests.host.server_agent import IMAGE, TIMEOUT_S, Agent, get, path_of, report


@pytest.fixture
def server():
    with BenchServer() as server:
        yield server


@pytest.fixture
def agent(server):
    agent = Agent(server)
    yield agent
    agent.close()


def test_a_lost_answer_is_repeated(server, agent):
    order = server.order(portable.ID, server.add_package(IMAGE))
    for skip in range(4):
        server.web_faults.add("dm", web_faults.lost(), skip=skip * 2)
    agent.session()
    assert order.exec_status == 202 and len(agent.fumo.orders) == 1
    assert order.outcome.requests > 4


def test_the_202_is_lost_and_asked_for_again(server, agent):
    order = server.order(portable.ID, server.add_package(IMAGE))

    def post(request, body):
        return agent.post(request, body) if not agent.fumo.orders else None

    agent.session(post=post)
    assert len(agent.fumo.orders) == 1 and order.exec_status is None and order.offered
    agent.session()
    assert agent.fumo.orders == [("DownloadAndUpdate", order.correlator)] * 2 and order.exec_status == 202


def test_a_report_counts_though_the_202_was_lost(server, agent):
    order = server.order(portable.ID, server.add_package(IMAGE))
    agent.session(post=lambda request, body: None if agent.fumo.orders else agent.post(request, body))
    agent.session(report("downloadandupdate", 200, order.correlator))
    assert len(agent.fumo.orders) == 1 and order.wait(TIMEOUT_S).code == 200


def test_a_push_goes_on_with_the_exec(server, agent):
    order = server.order(portable.ID, server.add_package(IMAGE), "push")
    agent.session(post=lambda request, body: None if b"Exec" in body else agent.post(request, body))
    assert order.stage == "pushed" and bytes(agent.fumo.data) == IMAGE
    agent.fumo.data.clear()
    agent.session()
    assert not agent.fumo.data and order.exec_status == 202


@pytest.mark.parametrize("fault", ["stale_nonce", "bad_digest", "duplicate"])
@pytest.mark.parametrize("auth", ["md5", "MAC"])
def test_faults_of_the_core(server, auth, fault):
    agent = Agent(server, auth=auth)
    setattr(server.faults, fault, 1)
    order = server.order(portable.ID, server.add_package(IMAGE))
    for _ in range(2):
        if order.exec_status is None:
            agent.session()
    agent.close()
    assert order.exec_status == 202 and getattr(server.faults, fault) == 0


def test_sessions_are_forgotten(server, agent):
    order = server.order(portable.ID, server.add_package(IMAGE))
    server.web_faults.add("dm", web_faults.do(server.forget_sessions, "the sessions are forgotten"), skip=1)
    for _ in range(3):
        if order.exec_status is None:
            agent.session()
    assert order.exec_status == 202 and "<Data>407</Data>" in server.transcript.text()


def test_connections_are_refused_for_a_while(server, agent):
    order = server.order(portable.ID, server.add_package(IMAGE))
    with server.refused():
        assert server.transcript.count("dm") == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S)
        failed = agent.session()
    assert isinstance(failed.failure, LinkError)
    agent.session()
    assert order.exec_status == 202


@pytest.mark.parametrize("relay", [False, True])
def test_refusing_and_accepting_from_anywhere(relay):
    with BenchServer(relay=relay) as server:
        port = int(server.url.rpartition(":")[2])
        server.refuse()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        server.accept()
        package = server.add_package(IMAGE)
        server.web_faults.add("package", web_faults.do(server.refuse))
        with pytest.raises((OSError, http.client.HTTPException)):
            get(server, path_of(package))
        with pytest.raises(ConnectionRefusedError):
            get(server, path_of(package))
        server.accept()
        assert get(server, path_of(package))[2] == IMAGE
        with pytest.raises(ToolError, match="cannot listen"):
            BenchServer(port=port).start()
