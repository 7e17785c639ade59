"""The server's HTTP side: packages and descriptors, and every fault that a script can order."""

import http.client
import socket
import time
import xml.etree.ElementTree as ElementTree

import pytest

from flash_tools.errors import ToolError
from flash_tools.server import web_faults
from flash_tools.server.bench import BenchServer
from tests.host.server_agent import IMAGE, TIMEOUT_S, connect, get, path_of

ENDS = ("reset", "close")


@pytest.fixture
def server():
    with BenchServer(tls=False) as server:
        yield server


@pytest.fixture
def package(server):
    return server.add_package(IMAGE, "fw 1")


# --- packages and descriptors


def test_whole_package(server, package):
    status, fields, body, broken = get(server, path_of(package))
    assert (status, body, broken) == (200, IMAGE, None)
    assert fields["etag"] == package.etag and fields["content-length"] == str(len(IMAGE)) and fields["date"]
    status, fields, body, _ = get(server, path_of(package), "HEAD")
    assert (status, body, fields["content-length"]) == (200, b"", str(len(IMAGE)))


@pytest.mark.parametrize(
    ("text", "first", "end"),
    [("bytes=0-", 0, None), ("bytes=100-", 100, None), ("bytes=5-5", 5, 6), ("bytes=10-99999", 10, None)]
    + [("bytes=-7", len(IMAGE) - 7, None), ("bytes=-999999", 0, None)],
)
def test_ranges(server, package, text, first, end):
    status, fields, body, _ = get(server, path_of(package), range=text)
    end = len(IMAGE) if end is None else end
    assert (status, body) == (206, IMAGE[first:end])
    assert fields["content-range"] == "bytes %d-%d/%d" % (first, end - 1, len(IMAGE))


@pytest.mark.parametrize("text", ["bytes=5-1", "bytes=-", "lines=1-2", "bytes=1-2,4-5", "bytes=a-b"])
def test_ranges_that_are_none(server, package, text):
    assert get(server, path_of(package), range=text)[0] == 200


@pytest.mark.parametrize("text", ["bytes=%d-" % len(IMAGE), "bytes=99999-100000", "bytes=-0"])
def test_ranges_behind_the_end(server, package, text):
    status, fields, body, _ = get(server, path_of(package), range=text)
    assert (status, fields["content-range"], body) == (416, "bytes */%d" % len(IMAGE), b"")


def test_if_range(server, package):
    old = package.etag
    assert get(server, path_of(package), range="bytes=9-", if_range=old)[0] == 206
    assert get(server, path_of(package), range="bytes=9-", if_range="W/" + old)[0] == 200
    package.replace(b"another")
    assert get(server, path_of(package), range="bytes=3-", if_range=old)[::2] == (200, b"another")


def test_descriptor(server):
    package = server.add_package(IMAGE, "fw", {"vendor": "<V>", "name": None, "type": ["a/b", "c/d"], "size": 7})
    status, fields, body, _ = get(server, "/descriptors/fw.dd?t=tok")
    assert (status, fields["content-type"]) == (200, "application/vnd.oma.dd+xml")
    media = ElementTree.fromstring(body)
    assert media.tag == "{http://www.openmobilealliance.org/xmlns/dd}media"
    found = [(child.tag.rpartition("}")[2], child.text) for child in media]
    assert found == [
        ("type", "a/b"),
        ("type", "c/d"),
        ("size", "7"),
        ("objectURI", package.url),
        ("installNotifyURI", server.url + "/notify/tok"),
        ("vendor", "<V>"),
    ]
    server.add_package(IMAGE, "bad", b"<media")
    assert get(server, "/descriptors/bad.dd")[2] == b"<media"


def test_notifications(server, package):
    assert get(server, "/notify/fw%201", "POST", "901 Insufficient memory\n\r")[0] == 200
    assert package.notifications == [("fw 1", "901 Insufficient memory")]
    assert get(server, "/notify/nobody", "POST", "900 Success")[0] == 404
    assert server.desk.packages["fw 1"].notifications == package.notifications


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/", 404), ("GET", "/packages/other", 404), ("GET", "/descriptors/other.dd", 404), ("GET", "/dm", 405)]
    + [("POST", "/dm", 400), ("POST", "/packages/other", 405), ("GET", "/packages/../dm", 404)],
)
def test_what_is_not_there(server, caplog, method, path, code):
    assert get(server, path, method, b"nonsense" if method == "POST" else None)[0] == code
    assert not [record for record in caplog.records if record.levelname != "WARNING"]  # no defect; a refusal is told


def test_keep_alive_and_limits(server, package):
    link = connect(server)
    for _ in range(3):
        link.request("GET", path_of(package))
        assert link.getresponse().read() == IMAGE
    link.close()
    assert {step.connection for step in server.transcript.steps} == {1}
    assert get(server, "/dm", "POST", bytes(100000))[0] == 413


# --- faults: another answer


@pytest.mark.parametrize("code", [202, 401, 403, 404, 410, 416, 429, 500, 503])
def test_status(server, package, code):
    entry = server.web_faults.add("package", web_faults.status(code, 7 if code in (429, 503) else None), times=2)
    for expected in (code, code, 200):
        status, fields, _, _ = get(server, path_of(package))
        assert status == expected and fields.get("retry-after") == ("7" if status in (429, 503) else None)
    assert entry.used == 2


def test_ranges_that_go_wrong(server, package):
    faults, path = server.web_faults, path_of(package)
    faults.add("package", web_faults.no_range())
    assert get(server, path, range="bytes=9-")[::2] == (200, IMAGE)
    faults.add("package", web_faults.content_range(3, 1))
    assert get(server, path, range="bytes=9-19")[1]["content-range"] == "bytes 12-22/%d" % (len(IMAGE) + 1)
    faults.add("package", web_faults.etag(weak=True))
    assert get(server, path)[1]["etag"] == "W/" + package.etag
    faults.add("package", web_faults.etag('"x"'))
    assert get(server, path)[1]["etag"] == '"x"'
    faults.add("package", web_faults.etag())
    assert "etag" not in get(server, path)[1]
    faults.add("package", web_faults.do(lambda: package.replace(b"new")), skip=1)
    assert [get(server, path, range="bytes=1-", if_range=package.etag)[0] for _ in range(2)] == [206, 200]


def test_redirects(server, package):
    entry = server.web_faults.add("package", web_faults.redirect(package.url), times=None)
    for _ in range(3):
        assert get(server, path_of(package))[1]["location"] == package.url
    assert entry.used == 3
    server.web_faults.clear()
    server.web_faults.add("descriptor", web_faults.redirect("http://127.0.0.1:1/x", 307))
    assert get(server, path_of(package))[0] == 200
    assert get(server, "/descriptors/fw%201.dd")[:1] == (307,)


def test_changed_answer(server, package):
    server.web_faults.add(
        "any", web_faults.changed(lambda answer: answer.with_headers(content_type="text/x", etag=None))
    )
    fields = get(server, path_of(package))[1]
    assert fields["content-type"] == "text/x" and "etag" not in fields


# --- faults: on the wire


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("after", [0, 1, 1024, 5000, len(IMAGE) - 1])
def test_cut(server, package, end, after):
    server.web_faults.add("package", web_faults.cut(after, end))
    status, fields, body, broken = get(server, path_of(package))
    assert (status, len(body), fields["content-length"]) == (200, after, str(len(IMAGE)))
    assert isinstance(broken, ConnectionResetError) == (end == "reset")
    assert get(server, path_of(package), range="bytes=%d-" % after)[::2] == (206, IMAGE[after:])


@pytest.mark.parametrize("make", [web_faults.unanswered, web_faults.lost])
@pytest.mark.parametrize("end", ENDS)
def test_no_answer(server, package, make, end):
    server.web_faults.add("notify", make(end))
    with pytest.raises(ConnectionResetError if end == "reset" else http.client.RemoteDisconnected):
        get(server, "/notify/fw%201", "POST", "900 Success")
    assert len(package.notifications) == (make is web_faults.lost)


@pytest.mark.parametrize("end", ENDS)
def test_cut_behind_more_than_buffers_hold(server, end):
    path = path_of(server.add_package(bytes(8_000_000)))
    server.web_faults.add("package", web_faults.cut(7_000_000, end))
    assert len(get(server, path)[2]) == 7_000_000


def test_cut_in_the_head(server, package):
    server.web_faults.add("package", web_faults.cut(-1))
    with pytest.raises(ConnectionResetError):
        get(server, path_of(package))


@pytest.mark.parametrize("fault", [web_faults.stall(100), web_faults.unanswered("stall"), web_faults.delayed(60)])
def test_stall(server, package, fault):
    server.web_faults.add("package", fault)
    link = connect(server)
    link.timeout = 0.3
    link.request("GET", path_of(package))
    with pytest.raises(TimeoutError):
        assert link.getresponse().read(101)
    link.close()
    assert get(server, path_of(package))[0] == 200


def test_slow(server, package):
    server.web_faults.add("package", web_faults.slow(len(IMAGE) * 5))
    begin = time.monotonic()
    assert get(server, path_of(package))[2] == IMAGE
    assert 0.15 < time.monotonic() - begin < 2


@pytest.mark.parametrize("by", [1, 1000, -1, -1000])
def test_length(server, package, by):
    server.web_faults.add("package", web_faults.length(by))
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as sock:
        sock.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path_of(package).encode())
        head, _, body = _all(sock).partition(b"\r\n\r\n")
    assert b"content-length: %d" % (len(IMAGE) + by) in head and body == IMAGE


def test_twice(server, package):
    server.web_faults.add("package", web_faults.twice())
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as sock:
        sock.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path_of(package).encode())
        text = _all(sock)
    assert text.count(b"HTTP/1.1 200") == 2 and text.count(IMAGE) == 2


def _all(sock):
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_endless(server, package):
    server.web_faults.add("package", web_faults.endless())
    link = connect(server)
    link.request("GET", path_of(package))
    answer = link.getresponse()
    assert answer.getheader("content-length") is None and answer.read(500000)[:100] == IMAGE[:100]
    link.close()


def test_the_server_stops_in_the_middle(caplog):
    with BenchServer() as server:
        package = server.add_package(IMAGE)
        links = []
        for fault in (web_faults.stall(10), web_faults.slow(100), web_faults.delayed(60), web_faults.endless()):
            server.web_faults.add("package", fault)
            links.append(connect(server))
            links[-1].request("GET", path_of(package))
        time.sleep(0.1)
        begin = time.monotonic()
    assert time.monotonic() - begin < 1
    for link in links:
        link.close()
    assert not caplog.records


def test_a_script_with_mistakes(server):
    for wrong in (lambda: server.web_faults.add("mail", web_faults.twice()), lambda: web_faults.cut(1, "explode")):
        with pytest.raises(ToolError):
            wrong()
