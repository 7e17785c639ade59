"""Clients that are not ours against a whole server: sockets, store, orders, the log.

What each peer says ends in an order that is done or not; what is forged, played again, broken or too long ends in a refusal
on the wire and a line in the transcript, without a traceback, and the store has what it had.
"""

import base64
import http.client
import logging
from types import SimpleNamespace

import pytest

from flash_tools.server.bench import BenchServer
from tests.host.fumo_packages import PACKAGE
from tests.host.strange_clients import PEERS
from tests.host.strange_session import BINARY, OURS, Strange

TREE = {"./DevDetail/FwV": "1.0", ".": "DevInfo/Fw", "./Fw?prop=Type": "urn:oma:mo:oma-fumo:1.0"}
REPORTING = [peer for peer in PEERS if peer.type.lower().endswith(".downloadandupdate")]


class Site:
    """A server with one device; `handle` posts over a socket, as DmServer.handle takes it."""

    def __init__(self, bench):
        self.bench = bench
        self.package = bench.add_package(PACKAGE)

    def handle(self, body, content_type, headers=None, tls=False):
        connection = http.client.HTTPConnection("127.0.0.1", self.bench.port, timeout=10)
        try:
            connection.request("POST", "/dm?mode=maintenance", body, {"Content-Type": content_type, **(headers or {})})
            answer = connection.getresponse()
            kind = answer.getheader("Content-Type", "")
            return SimpleNamespace(status=answer.status, body=answer.read(), content_type=kind, headers=answer.headers)
        finally:
            connection.close()

    def client(self, peer, device_id="dev", **options):
        """Return a client with an account of its own."""
        account = self.bench.add_device(device_id, auth=peer.auth, server_auth=peer.auth)
        nonce = base64.b64decode(account["nonce"])
        return Strange(self, peer, device_id, account["user"], account["secret"], nonce, **options)

    def kept(self):
        """Return what the store has of devices, orders and reports."""
        store = self.bench.desk.store
        return {kind: dict(store.records(kind)) for kind in ("device", "order", "profile")}, len(
            self.bench.desk.intake.reports
        )


@pytest.fixture
def site(caplog):
    caplog.set_level(logging.WARNING)
    with BenchServer(tls=False) as bench:
        yield Site(bench)
    assert [
        record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR
    ] == []


def hold(client, *alerts):
    """Hold a session until the server has nothing more to command; return what was executed."""
    client.start(*alerts)
    done = []
    for _ in range(9):
        commands = client.commands()
        done += [each for each in commands if each.tag_name == "Exec"]
        if not commands:
            return done
        client.send(client.header_status(200, b"fresh nonce 1234", client.peer.auth), *client.answers(TREE))
    raise AssertionError("the server never ends")


@pytest.mark.parametrize("peer", REPORTING, ids=lambda peer: peer.name)
def test_an_order_is_done_by_a_peer_once(site, peer):
    """Accepted in one session, reported in the next; then every message of both comes again, and nothing counts twice."""
    client = site.client(peer)
    order = site.bench.order("dev", site.package, correlator="c 1", verify=False)
    (execute,) = hold(client)
    assert execute.value("Correlator") == "c 1" and order.exec_status == 202 and order.firmware_before == "1.0"
    later = Strange(site, peer, "dev", client.user, client.secret, client.nonce, session_id=client.session_id + "1")
    later.start(later.report())
    assert (order.result, order.code) == ("done", int(peer.data)) and len(order.reports) == 1
    last = Strange(site, peer, "dev", client.user, client.secret, later.nonce, session_id="EE")
    last.start()
    before = site.kept()
    for forget in (False, True):
        if forget:
            site.bench.forget_sessions()
        for body, content_type, headers in client.wire + later.wire:
            assert site.handle(body, content_type, headers).status == 200
        assert site.kept()[0]["order"] == before[0]["order"] and site.kept()[1] == before[1]
        assert site.kept()[0]["device"] == before[0]["device"] and len(order.reports) == 1


@pytest.mark.parametrize("peer", [OURS, BINARY, *PEERS[:2]], ids=lambda peer: peer.name)
@pytest.mark.parametrize("device_id", ["dev", "DEV", "stranger"])
def test_who_is_not_let_in(site, peer, device_id):
    """Wrong secrets and unknown devices: Statuses 401, a line in the transcript, and the order waits as before."""
    site.client(peer)
    order = site.bench.order("dev", site.package, correlator="c 1", verify=False)
    before, thief = site.kept(), Strange(site, peer, device_id, "dev", "guess", b"x")
    thief.start(thief.report())
    assert {code for _, code in thief.codes()} == {401} and site.kept() == before
    assert (order.result, order.reports, order.offered) == ("waiting", [], False)
    assert "401" in site.bench.transcript.text() and sum(site.bench.office.refused.values()) == 1


def test_a_device_speaks_for_itself_only(site):
    """The account of one device, its session and its correlator say nothing about another's order."""
    first, second = site.client(OURS, "first"), site.client(OURS, "second")
    order = site.bench.order("first", site.package, correlator="c 1", verify=False)
    hold(first)
    second.start(second.report("c 1"))
    assert second.codes()[0] == ("SyncHdr", 212) and order.result == "waiting" and order.reports == []
    mixed = Strange(site, OURS, "first", second.user, second.secret, second.nonce, session_id="9")
    before = site.kept()
    mixed.start(mixed.report("c 1"))
    assert mixed.codes()[0] == ("SyncHdr", 401) and site.kept() == before and order.result == "waiting"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"<SyncML>", 400), (b"\x02\xa4\x01\x6a\x00\x6d", 400), (b" " * 70000, 413), (b" " * 2_000_000, 413)],
    ids=["nothing", "half", "wbxml as xml", "too long", "far too long"],
)
def test_no_message(site, body, status):
    before, reply = site.kept(), site.handle(body, OURS.content_type)
    assert reply.status == status and reply.body.count(b"\n") == 1 and site.kept() == before
    assert "HTTP %d" % status in site.bench.transcript.text()
