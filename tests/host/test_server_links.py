"""What is round the server's HTTP: certificates, the relay that breaks connections below TLS, transcripts, the store."""

import http.client
import socket
import ssl
import time

import pytest

from flash_tools.errors import ToolError
from flash_tools.server.bench import BenchServer
from flash_tools.server.pki import Authority
from flash_tools.server.store import Store
from flash_tools.server.transcript import Transcript
from tests.dm import device as portable
from tests.host.server_agent import IMAGE, TIMEOUT_S, Agent, connect, get, path_of

ENDS = ("reset", "close")

# --- TLS


@pytest.mark.parametrize(
    ("kind", "text"),
    [("expired", "expired"), ("future", "not yet valid"), ("wrong-name", "doesn't match|mismatch")]
    + [("other-ca", "unable to get local issuer|self-signed|signature failure")],
)
def test_wrong_certificates(kind, text):
    with BenchServer(certificate=kind) as server:
        with pytest.raises(ssl.SSLCertVerificationError, match=text):
            get(server, "/")
        server.use_certificate("good")
        assert get(server, "/")[0] == 404
        server.use_certificate(kind)
        with pytest.raises(ssl.SSLCertVerificationError):
            get(server, "/")
    with pytest.raises(ToolError):
        BenchServer(certificate="blue")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_certificate_of_an_authority_that_is_given(host):
    authority = Authority()
    with BenchServer(authority=authority, name=host) as server:
        assert server.ca_pem == authority.pem and server.url == "https://%s:%d" % (host, server.port)
        context = ssl.create_default_context(cadata=server.ca_der)
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as sock:
            context.wrap_socket(sock, server_hostname=host).close()


def test_client_certificates(tmp_path):
    with BenchServer(client_certificates=True) as server:
        with pytest.raises((OSError, http.client.HTTPException)):
            get(server, "/")
        made = server.client_certificate("dev-1")
        path = tmp_path / "client.pem"
        path.write_text(made.pem + made.key_pem)
        context = ssl.create_default_context(cadata=server.ca_pem)
        context.load_cert_chain(path)
        link = http.client.HTTPSConnection("localhost", server.port, timeout=TIMEOUT_S, context=context)
        link.request("GET", "/")
        assert link.getresponse().status == 404
        link.close()


def test_the_start_is_cheap():
    begin = time.monotonic()
    for _ in range(3):
        BenchServer().start().stop()
    assert time.monotonic() - begin < 1.5


# --- the relay


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("action", ENDS)
def test_relay_breaks_below_tls(tls, action):
    with BenchServer(tls=tls, relay=True) as server:
        path = path_of(server.add_package(IMAGE))
        assert ":%d/" % server.relay.port in server.find_package("package-1.fup").url
        assert get(server, path)[2] == IMAGE
        rule = server.relay.add("down", after=3000, action=action)
        status, _, body, broken = get(server, path)
        assert status == 200 and len(body) < 3000 and (body or tls)  # a piece of a TLS record is nothing
        assert isinstance(broken, ConnectionResetError) == (action == "reset" and not tls)
        for direction in ("up", "down"):
            server.relay.add(direction, after=10, action=action)
            with pytest.raises((OSError, http.client.HTTPException)):
                get(server, path)
        assert get(server, path)[2] == IMAGE and (rule.used, server.relay.connections) == (1, 5)


def test_relay_stalls_and_slows():
    with BenchServer(relay=True) as server:
        path = path_of(server.add_package(IMAGE))
        server.relay.add("down", rate=40000)
        begin = time.monotonic()
        assert get(server, path)[2] == IMAGE and time.monotonic() - begin > 0.15
        server.relay.add("up", connection=2, after=0, action="stall")
        link = connect(server)
        link.timeout = 0.2
        with pytest.raises(TimeoutError):
            link.request("GET", path)
        link.close()
        assert get(server, path)[2] == IMAGE
        with pytest.raises(ToolError):
            server.relay.add("sideways")


def test_a_session_through_the_relay():
    with BenchServer(relay=True) as server:
        agent = Agent(server)
        order = server.order(portable.ID, server.add_package(IMAGE))
        for number in (1, 2):
            server.relay.add("down", connection=number, after=1800 * number)
        agent.session()
        agent.close()
        assert order.exec_status == 202 and len(agent.fumo.orders) == 1 and server.relay.connections == 3


# --- transcript and store


def test_transcript_hides_and_tames():
    transcript = Transcript({"hush"})
    transcript.request(
        "notify", 1, "POST /notify/\x1b[2J", {"x-syncml-hmac": 'username="u", mac=abc='}, b"hush\x00<\n2"
    )
    transcript.note("the power is cut")
    text = transcript.text()
    assert "hush" not in text and "abc=" not in text and "\x1b" not in text and "\x00" not in text
    assert text.startswith("1.    0.000 s  device -> server") and "2." in text and "mac=(secret)" in text
    bad = transcript.request("dm", 1, "POST /dm", {"content-type": "text/plain"}, b"\xff")
    assert "no content type of a message" in transcript.text() and transcript.since(bad.at).count("dm") == 1


@pytest.mark.parametrize("tls", [False, True])
def test_wire_bytes(tls):
    with BenchServer(tls=tls) as server:
        get(server, path_of(server.add_package(IMAGE)))
        request, answer = server.transcript.steps
    assert len(IMAGE) + 400 > answer.wire_bytes > len(IMAGE) > request.wire_bytes > 50
    assert server.transcript.wire_bytes("package") == request.wire_bytes + answer.wire_bytes
    assert server.transcript.wire_bytes("dm") == 0


def test_a_store_that_is_none(tmp_path):
    path = tmp_path / "x.db"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(ToolError, match="no database"):
        Store(str(path))
    store = Store(str(tmp_path / "y.db"))
    store._db.execute("PRAGMA user_version=9")
    store.close()
    with pytest.raises(ToolError, match="format 9"):
        Store(str(tmp_path / "y.db"))
