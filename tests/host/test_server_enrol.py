"""Enrolment over real TLS: `POST /enrol` in front of a stand-in office, the device's side, and `fumo sim new --enrol`."""

import json
import os
import socket
import ssl
import subprocess
import sys

import pytest

from flash_tools.enrolment import fetch_bundle
from flash_tools.errors import RefusedError, ToolError
from flash_tools.server import enrol
from flash_tools.server.enrol import Enrolment
from flash_tools.server.listener import Listener, server_context
from flash_tools.server.pki import Authority

TOKEN = "a-token-for-once"
AUTHORITY = Authority("fumo enrolment")


class FakeOffice:
    """Knows one token, good for one device."""

    def __init__(self):
        self.calls, self.left, self.url = [], 1, ""

    def enrol(self, token, device_id, model=""):
        """Let a device in."""
        self.calls.append((token, device_id, model))
        if token != TOKEN or not self.left:
            raise RefusedError("the token is unknown,\nused up \x1b[31m or too old")
        self.left -= 1
        bundle = {"device_id": device_id, "server_id": "trial", "url": self.url + "/dm", "ca_pem": AUTHORITY.pem}
        bundle |= {"auth": "md5", "user": device_id, "secret": "s", "nonce": "AAAA", "server_auth": "md5"}
        return {**bundle, "server_user": "trial", "server_secret": "t", "server_nonce": "AAAA"}


async def behind(scope, receive, send):
    """What stands behind the enrolment."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"behind"})


@pytest.fixture
def served():
    """Give a function that starts a server."""
    started = []

    def start(tls=True, secure=True, names=("localhost",)):
        office = FakeOffice()
        context = server_context(AUTHORITY.issue(names)) if tls else None
        listener = Listener(Enrolment(behind, office, secure), "127.0.0.1", 0, context)
        listener.start()
        started.append(listener)
        office.url = "http%s://localhost:%d" % ("s" if tls else "", listener.port)
        office.port = listener.port
        return office

    yield start
    for listener in started:
        listener.stop()


def raw(port, data, tls=True):
    """Send bytes; return the whole answer."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        if tls:
            sock = ssl.create_default_context(cadata=AUTHORITY.pem).wrap_socket(sock, server_hostname="localhost")
        sock.sendall(data)
        answer = b""
        try:
            while part := sock.recv(65536):
                answer += part
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass
        sock.close()
        return answer


def post(port, body, tls=True, path="/enrol", method="POST"):
    head = "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (method, path, len(body))
    answer = raw(port, head.encode() + body, tls)
    return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2].decode()


def body(**fields):
    return json.dumps({"token": TOKEN, "device": "sim:9", **fields}).encode()


def test_a_device_gets_its_bundle(served):
    office = served()
    bundle = fetch_bundle(office.url, TOKEN, "sim:9", "sim", AUTHORITY.pem)
    assert bundle["device_id"] == "sim:9" and bundle["url"] == office.url + "/dm"
    assert office.calls == [(TOKEN, "sim:9", "sim")]
    with pytest.raises(ToolError, match="used up") as caught:
        fetch_bundle(office.url + "/enrol", TOKEN, "sim:10", "sim", AUTHORITY.pem)
    assert str(caught.value).isprintable()


def test_a_wrong_token_is_one_line(served):
    status, text = post(served().port, body(token="x"))
    assert status == 403 and text.count("\n") == 1 and text.rstrip("\n").isprintable()


def test_no_secret_is_kept_on_the_way(served):
    office = served()
    answer = raw(office.port, b"POST /enrol HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                 % (len(body()), body()))  # fmt: skip
    assert b"200 OK" in answer and b"cache-control: no-store" in answer.lower()


def test_plain_http_is_refused_before_anything_is_read(served):
    office = served(tls=False, secure=False)
    status, text = post(office.port, body(), tls=False)
    assert status == 403 and "TLS" in text and text.count("\n") == 1
    assert office.calls == []


def test_behind_something_that_speaks_tls(served):
    office = served(tls=False, secure=True)
    assert post(office.port, body(), tls=False)[0] == 200


@pytest.mark.parametrize(
    "data, status",
    [
        (b"", 400), (b"{", 400), (b"[]", 400), (b"null", 400), (b"\xff", 400), (b"[" * 4000, 400), (b"{}", 400),
        (body(token=""), 400), (body(token=None), 400), (body(token=5), 400), (body(device=["x"]), 400),
        (body(device="x" * 256), 400), (body(device="a\nb"), 400), (body(device="a\u202eb"), 400), (body(model=None), 400),
        (b" " * (enrol.BODY_MAX + 1), 413), (body(device="x" * 255), 200), (body(model="m"), 200),
    ],
)  # fmt: skip
def test_what_is_no_enrolment(served, data, status):
    office = served()
    got, text = post(office.port, data)
    assert got == status and text.count("\n") <= 1
    assert len(office.calls) == (status == 200)


def test_only_a_post_and_only_that_path(served):
    office = served()
    assert post(office.port, b"", method="GET")[0] == 405
    for path in ("/enrol/x", "/enroll", "/dm"):
        status, text = post(office.port, body(), path=path)
        assert status == 418 and "behind" in text
    assert office.calls == []


def test_a_body_that_never_comes(served, monkeypatch):
    monkeypatch.setattr(enrol, "_BODY_S", 0.2)
    office = served()
    answer = raw(office.port, b"POST /enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
    assert b" 400 " in answer.split(b"\r\n")[0] and office.calls == []


# -- the device's side ------------------------------------------------------------------------------------------------


def refused(*arguments):
    with pytest.raises(ToolError) as caught:
        fetch_bundle(*arguments)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_the_token_goes_to_nobody_else(served):
    office = served()
    assert "https" in refused("http://localhost:1", TOKEN, "d", "", AUTHORITY.pem)
    assert "not to be trusted" in refused(office.url, TOKEN, "d", "", Authority("another").pem)
    assert "no certificate" in refused(office.url, TOKEN, "d", "", "rubbish")
    elsewhere = served(names=("elsewhere.example",))
    assert "not to be trusted" in refused(elsewhere.url, TOKEN, "d", "", AUTHORITY.pem)
    assert office.calls == elsewhere.calls == []


def test_nobody_there():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert "no server answers" in refused(
            "https://localhost:%d" % sock.getsockname()[1], TOKEN, "d", "", AUTHORITY.pem
        )
    assert "no server answers" in refused("https://localhost:99999", TOKEN, "d", "", AUTHORITY.pem)


@pytest.mark.parametrize("bundle", [[], {}, {"device_id": "d"}, {"device_id": "e", "server_id": "s", "url": "u"}])
def test_an_answer_that_is_no_bundle(served, bundle):
    office = served()
    office.enrol = lambda *arguments: bundle
    assert "bundle" in refused(office.url, TOKEN, "d", "", AUTHORITY.pem)


def fumo(*arguments, cwd, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "flash_tools", *map(str, arguments)], capture_output=True, text=True, timeout=60, cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    assert done.returncode == code and "Traceback" not in done.stderr, done.stderr
    return done


def test_a_simulated_device_enrols(served, tmp_path):
    office = served()
    (tmp_path / "ca.pem").write_text(AUTHORITY.pem)
    words = ("sim", "new", "dev", "--enrol", office.url, "--ca", "ca.pem", "--id", "sim:9")
    assert "--token" in fumo(*words, cwd=tmp_path, code=1).stderr
    assert "chip" in fumo(*words, "--token", TOKEN, "--chip-kib", 5, cwd=tmp_path, code=2).stderr
    assert (tmp_path / "dev" / "bundle.json").stat().st_mode & 0o777 == 0o600
    assert office.left == 0  # the token is spent, what it brought is not lost
    fumo("sim", "new", "dev", "--bundle", "dev/bundle.json", cwd=tmp_path)
    facts = json.loads((tmp_path / "dev" / "provision.json").read_text())
    assert facts["device"]["DevId"] == "sim:9" and facts["accounts"][0]["url"] == office.url + "/dm"
    assert facts["ca_pem"] == AUTHORITY.pem
    again = fumo("sim", "new", "other", *words[3:], "--token", TOKEN, cwd=tmp_path, code=1).stderr
    assert "used up" in again and len(again.splitlines()) == 1
