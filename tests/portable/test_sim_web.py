"""The web server of the simulated network: requests, parts, chunks, and every way to answer wrongly."""

from agent.errors import LinkError
from ports.sim.clock import Clock
from ports.sim.link import Link
from ports.sim.net import Network
from ports.sim.web_server import Tamper, WebServer, serve_file

HOST, ADDRESS = "bench.test", "192.0.2.1"
DATA = bytes([i % 253 for i in range(20000)])


def _network(server):
    return Network(Clock(), Link(), {(HOST, 80): server}, {HOST: ADDRESS})


def _read(net, stream, limit_ms):
    """Return everything up to the end or `limit_ms` of silence."""
    into, out = bytearray(4096), b""
    while True:
        count, before = stream.read_into(into), net.clock.ms()
        if count:
            out += into[:count]
        elif count == 0:
            return out
        else:
            net.doze_ms(limit_ms)
            if net.clock.ms() - before >= limit_ms:
                return out


def _pages(method, path, fields, body):
    if path == "/file":
        return serve_file(fields, DATA, tag='"t"')
    if path == "/chunks":
        return 200, (), (DATA[i : i + 7000] for i in range(0, 20000, 7000))
    return 200, (("X-Method", method),), body


def _request(net, stream, text, body=b"", limit_ms=30000):
    stream = stream or net.connect(HOST, ADDRESS, 80, False)
    data = text.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body
    while data:
        count = stream.write(data)
        if count is None:
            net.doze_ms(1000)
        else:
            data = data[count:]
    return stream, _read(net, stream, limit_ms)


def test_the_web_server_answers_one_request_after_the_other():
    server = WebServer(_pages)
    net = _network(server)
    stream, got = _request(net, None, "POST /x HTTP/1.1\nContent-Length: 3", b"abc")
    assert got == b"HTTP/1.1 200 OK\r\nX-Method: POST\r\nContent-Length: 3\r\n\r\nabc"
    both = "GET /a HTTP/1.1\nA: b\n\nGET /b HTTP/1.1\nConnection: close"
    stream, got = _request(net, stream, both)
    assert got.count(b"X-Method: GET") == 2 and got.endswith(b"Connection: close\r\n\r\n")
    assert server.requests == [("POST", "/x"), ("GET", "/a"), ("GET", "/b")]
    assert stream.read_into(bytearray(1)) == 0


def test_the_web_server_serves_parts_and_chunks():
    net = _network(WebServer(_pages))
    got = _request(net, None, "GET /file HTTP/1.1")[1]
    assert b'ETag: "t"\r\nContent-Length: 20000\r\n\r\n' in got and got.endswith(DATA)
    got = _request(net, None, 'GET /file HTTP/1.1\nRange: bytes=15000-\nIf-Range: "t"')[1]
    assert got.startswith(b"HTTP/1.1 206 ") and b"bytes 15000-19999/20000" in got and got.endswith(b"\n" + DATA[15000:])
    got = _request(net, None, 'GET /file HTTP/1.1\nRange: bytes=15000-\nIf-Range: "u"')[1]
    assert got.startswith(b"HTTP/1.1 200 ") and len(got) > 20000
    assert _request(net, None, "GET /file HTTP/1.1\nRange: bytes=20000-")[1].startswith(b"HTTP/1.1 416 ")
    got = _request(net, None, "GET /chunks HTTP/1.1")[1]
    assert b"chunked\r\n\r\n1b58\r\n" in got and got.endswith(b"\r\n0\r\n\r\n") and len(got) > 20000


def _tampered(tamper, path="/file"):
    net = _network(WebServer(_pages, tamper=lambda method, path, number: None if number else tamper))
    stream = net.connect(HOST, ADDRESS, 80, False)
    try:
        got = _request(net, stream, "GET %s HTTP/1.1" % path)[1]
    except LinkError:
        return net, stream, None
    return net, stream, got


def test_the_web_server_answers_wrongly_where_it_is_told():
    head = len(_tampered(Tamper())[2]) - 20000
    for kind in ("reset", "close", "stall"):
        for at, in_head, size in ((10, True, 10), (0, False, head), (5000, False, head + 5000)):
            _, stream, got = _tampered(Tamper(kind, at, in_head))
            assert stream.received == size and (got is None) == (kind == "reset"), (kind, at)
    assert b"Content-Length: 7\r\n" in _tampered(Tamper(length=7))[2]
    assert b"Content-Length" not in _tampered(Tamper(length=-1, keep=False))[2]
    assert _tampered(Tamper(raw=b"HTTP/9.9 \x00"))[2] == b"HTTP/9.9 \x00"
    quick, slow = (
        _tampered(Tamper(keep=False))[0].clock.ms(),
        _tampered(Tamper(keep=False, delay_ms=9000))[0].clock.ms(),
    )
    assert 9000 <= slow - quick < 9010
    assert _tampered(Tamper(rate=1000, keep=False))[0].clock.ms() > 19000


def test_one_wrong_answer_does_not_spoil_the_next():
    net, stream, got = _tampered(Tamper("stall", 90000, rate=5000))
    assert got.endswith(DATA)
    before = net.clock.ms()
    got = _request(net, stream, "GET /file HTTP/1.1\nConnection: close")[1]
    assert got.endswith(DATA) and net.clock.ms() - before < 300


def test_an_idle_connection_is_closed():
    net = _network(WebServer(_pages, idle_ms=5000))
    stream, got = _request(net, None, "GET /x HTTP/1.1", b"", 60000)
    assert stream.read_into(bytearray(1)) == 0 and 5000 < net.clock.ms() < 5100


def test_two_runs_are_the_same():
    runs = []
    for _ in range(2):
        net = _network(WebServer(_pages))
        _request(net, None, "GET /chunks HTTP/1.1")
        runs.append((net.clock.us, net.down.bytes, net.up.bytes, net.down.busy_us))
    assert runs[0] == runs[1]
