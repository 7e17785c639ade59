"""What somebody on the devices' network can do to the server without an account: a raw client over real sockets."""

import os
import resource
import socket
import ssl
import time

import pytest

from flash_tools.errors import ToolError
from flash_tools.server import listener
from flash_tools.server.field import FieldServer
from tests.host.attacker import Client, begin, report, server_folder, took
from tests.host.office_device import package
from tests.host.server_process import Running


@pytest.fixture
def settings(tmp_path):
    """Return the settings of a server with TLS."""
    return server_folder(tmp_path / "server")


def count(office, table):
    """Return how many rows a table has."""
    return office.store._db.execute("SELECT COUNT(*) FROM " + table).fetchone()[0]


def test_a_guessed_session_id_opens_nothing(settings):
    """A SessionID has 16 bits: who guesses it can neither report for the device nor hear what it is commanded."""
    with FieldServer(settings) as server:
        office = server.office
        victim = Client(settings, "victim", office.add_device("victim"))
        assert victim.say(begin())[0] in (200, 212)
        stranger = Client(settings, "victim", None, session=victim.session)
        code, tree = stranger.say(report("x", 200), number=77)
        assert code in (401, 407) and not tree.find("SyncBody").find_all("Get")
        assert not office.timeline(kinds=("report",))
        code, tree = victim.say("<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Data>212</Data></Status>")
        assert code in (200, 212), "the device's own session goes on"


def test_accounts_of_an_earlier_version_prove_themselves_too(settings):
    with FieldServer(settings) as server:
        bundle = server.office.add_device("old", each_message=False)
    with FieldServer(settings):
        Client(settings, "old", bundle).say(begin())
        assert Client(settings, "old", None).say("", number=9)[0] in (401, 407)


def test_a_renewed_account_ends_its_sessions(settings):
    """Who had the old secrets has a session that was let in: it must not outlive them."""
    with FieldServer(settings) as server:
        for again in (lambda: None, lambda: server.office.remove_device("d")):
            client = Client(settings, "d", server.office.add_device("d", each_message=False))
            assert client.say(begin())[0] == 212
            again()
            server.office.add_device("d", each_message=False)
            assert client.say(begin(), proof=False)[0] in (401, 407)


def test_strangers_do_not_fill_the_memory(settings):
    with FieldServer(settings) as server:
        stranger = Client(settings, "nobody")
        for path in ("/dm", "/nothing", "/notify/x", "/d/a/b") * 2:
            stranger.post(b"x" * 100000, path)
        kept = sum(len(step.body) for step in server.office.transcript.steps)
        assert kept < 200000


def test_who_says_nothing_is_sent_away(settings, monkeypatch):
    monkeypatch.setattr(listener, "_REQUEST_S", 0.3)
    context = ssl.create_default_context(cadata=settings.ca_pem)
    with FieldServer(settings):
        for address, secure in ((settings.listen, True), (settings.page, False)):
            with socket.create_connection(address, 5) as sock:
                wire = context.wrap_socket(sock, server_hostname="localhost") if secure else sock
                wire.settimeout(5)
                assert wire.recv(1) == b""


def test_who_reads_nothing_is_sent_away(settings, monkeypatch):
    """Pipelined requests whose answers nobody takes: a task and a file descriptor each, for ever."""
    monkeypatch.setattr(listener, "_TAKE_S", 0.5, raising=False)
    with FieldServer(settings) as server:
        page = server._page
        with socket.create_connection(settings.page, 5) as sock:
            sock.settimeout(0.5)
            try:
                while True:
                    sock.sendall(b"GET /static/page.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
            except OSError:
                pass
            deadline = time.monotonic() + 5
            while page._state.connections and time.monotonic() < deadline:
                time.sleep(0.05)
            assert not page._state.connections


def test_strangers_do_not_fill_the_disk(settings):
    """Message after message in one session that was never let in: only the first few are kept."""
    with FieldServer(settings) as server:
        server.office.add_device("d")
        stranger = Client(settings, "d", None, session="77")
        for _ in range(60):
            stranger.say("<Alert><CmdID>1</CmdID><Data>%s</Data></Alert>" % ("y" * 9000))
        assert count(server.office, "message") <= 20


def test_the_notification_of_a_package_needs_a_token(settings):
    """Names of packages can be guessed; each notification is an event that is kept."""
    with FieldServer(settings) as server:
        office = server.office
        office.add_package(package("2.0"), "fw.fup")
        bundle = office.add_device("d")
        order = office.desk.orders[office.place("d", "fw.fup", notify=False)]
        stranger, before = Client(settings, bundle["device_id"]), count(office, "event")
        assert [stranger.post(b"900", "/notify/fw.fup")[0] for _ in range(3)] == [404] * 3
        assert stranger.post(b"900", "/notify/" + order.order_id)[0] == 404
        assert count(office, "event") == before
        assert stranger.post(b"900", "/notify/" + order.token)[0] == 200


def test_a_long_mac_header_is_cheap(tmp_path):
    """The header is read for each nonce that may be meant: 60 KiB took most of a second of everybody's time."""
    settings = server_folder(tmp_path / "server", plain_http=True)
    with FieldServer(settings) as server:
        server.office.add_device("m")
        stranger = Client(settings, "m")
        headers = {"x-syncml-hmac": "a" * 60000}
        spans = [
            took(stranger.post, stranger.message(begin(), proof=False, number=1) + b" " * n, "/dm", headers)[0]
            for n in range(10)
        ]
        assert min(spans[-3:]) < 30


def test_a_cancelled_order_opens_nothing(settings):
    with FieldServer(settings) as server:
        office = server.office
        office.add_package(package("2.0"), "fw.fup")
        office.add_device("d")
        order = office.desk.orders[office.place("d", "fw.fup", notify=False)]
        path, stranger = "/d/%s/fw.fup" % order.token, Client(settings, "d")
        assert stranger.post(None, path, method="GET")[0] == 200
        assert office.cancel(order.order_id) == "cancelled"
        assert stranger.post(None, path, method="GET")[0] == 404


def test_a_range_with_many_digits(settings):
    lines = []
    with FieldServer(settings, log=lines.append) as server:
        office = server.office
        office.add_package(package("2.0"), "fw.fup")
        office.add_device("d")
        order = office.desk.orders[office.place("d", "fw.fup", notify=False)]
        client = Client(settings, "d")
        for text in ("bytes=%s-" % ("9" * 5000), "bytes=-%s" % ("9" * 5000), "bytes=0-%s" % ("9" * 5000)):
            assert client.post(None, "/d/%s/fw.fup" % order.token, {"range": text}, method="GET")[0] in (200, 206, 416)
    assert not [line for line in lines if "defect" in line]


def test_nobody_else_may_read_the_folder(settings):
    with FieldServer(settings) as server:
        server.office.add_device("d")
        open_to_all = {"ca.pem", "server.pem"}
        modes = {name: os.stat(settings.folder / name).st_mode & 0o777 for name in os.listdir(settings.folder)}
        assert os.stat(settings.folder).st_mode & 0o777 == 0o700
        assert {name for name, mode in modes.items() if mode & 0o077} <= open_to_all


def test_strangers_do_not_fill_the_log(settings):
    lines = []
    with FieldServer(settings, log=lines.append) as server:
        stranger = Client(settings, "nobody")
        for _ in range(300):
            stranger.post(b"{}", "/enrol")
            stranger.close()
        server.office.add_device("d")
    assert 50 < len(lines) < 200 and any("were lost" in line for line in lines)


def test_a_stranger_s_body_is_not_read_for_long(settings):
    """Each connection of a stranger held a MiB."""
    lengths = []
    with FieldServer(settings) as server:
        office = server.office
        office.notified = lambda token, text: lengths.append(len(text))
        ask, office.dm_messages = office.dm_messages, lambda asked: lengths.append(len(asked[0][0])) or ask(asked)
        assert Client(settings, "nobody").post(b"x" * 1000000)[0] == 413
    assert max(lengths) < 300000


def test_a_used_token_lets_nobody_in_who_was_removed(settings):
    with FieldServer(settings) as server:
        office = server.office
        token = office.new_token()["token"]
        assert office.enrol(token, "d")["secret"] != office.enrol(token, "d")["secret"], "its answer was lost"
        office.remove_device("d")
        with pytest.raises(ToolError, match="used up"):
            office.enrol(token, "d")


def test_the_server_has_all_the_files_that_it_may(tmp_path):
    settings = server_folder(tmp_path / "server", plain_http=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft // 2, hard))
    try:
        running = Running(settings.folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        assert resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        running.end()
