"""Download servers that mean harm cost at most what was announced and a bounded time; the running firmware goes on.

Once the server is another one an update succeeds. All in virtual time.
"""

import itertools

import pytest

from ports.sim.web_server import Tamper, serve_file
from tests.host.hostile import DD, FILE, NOTIFY, PACKAGE, K, endures, forever, works_again, world
from tests.host.scripted import order
from tests.soak import goods

# --- download servers


@pytest.mark.parametrize("where", ["/d.dd", "/p.fup"])
@pytest.mark.parametrize("kind", ["chunked", "no length", "magic", "descriptor"])
def test_a_body_without_an_end(where, kind):
    begin = {"magic": PACKAGE[:4000], "descriptor": DD[:-10]}.get(kind, b"")

    def serve(fields):
        body = itertools.chain([begin] if begin else [], forever(bytes(1000)))
        return 200, (), ((1 << 40, body) if kind == "no length" else body)

    options = {"descriptor": serve} if where == "/d.dd" else {"package": serve}
    endures(world(**options), (402, 405, 501, 503), tries=9, announced=64 * K)


def test_a_package_without_an_end_that_nobody_described():
    """Nothing is announced: the bank is the limit."""

    def serve(fields):
        return 200, (), itertools.chain([PACKAGE], forever(bytes(1000)))

    bench = world(serve, script=order("dau", FILE))
    bench.run(40000)
    assert bench.device.version == goods.NEW and bench.results == [("a", 200)], (
        "all of it is there: what follows is not read"
    )
    assert bench.net.down.bytes < len(PACKAGE) + 64 * K


@pytest.mark.parametrize("size", [1, 100, len(PACKAGE) - 1, len(PACKAGE) + 1, 40 * K])
def test_a_size_that_is_not_true(size):
    endures(world(descriptor=goods.descriptor(FILE, size, NOTIFY)), (402,), announced=max(size, len(PACKAGE)))


@pytest.mark.parametrize("size", [1 << 20, 1 << 31, 1 << 64, 10**40])
def test_a_size_that_is_too_large(size):
    bench = endures(world(descriptor=goods.descriptor(FILE, size, NOTIFY)), (501, 405), announced=0)
    assert not [get for get in bench.gets if get[2] == "/p.fup"]


@pytest.mark.parametrize("size", ["-1", "0", "", "1e9", "0x100", " ", "12 34", "\u0663"])
def test_a_size_that_is_no_number(size):
    dd = DD.replace(b"<size>%d<" % len(PACKAGE), ("<size>%s<" % size).encode())
    endures(world(descriptor=dd), (405, 402), announced=len(PACKAGE))


@pytest.mark.parametrize(
    "target",
    [
        "https://other/SELF", "https://other/SELF?again", "//other/SELF", "SELF", "/x/../SELF", "", "http://other/p.fup", "ftp://other/p",
        "https://", "https://user:word@other/p.fup", "https://other:99999/p", "file:///etc/passwd", "https://other/" + "a" * 3000,
        "https://other/p\x7f", "https://other/\u00e9", "https://[::1/p", "javascript:1", "https://other\\@bench/p",
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["package", "descriptor"])
def test_redirects(where, target):
    target = target.replace("SELF", {"package": "p.fup", "descriptor": "d.dd"}[where])
    bench = world(**{where: lambda fields: (302, (("Location", target),), b"x" * 200)})
    serve = bench.servers["other"].handler
    plain = lambda method, path, fields, body: serve(method, path.partition("?")[0], fields, body)  # noqa: E731
    bench.servers["other"].handler = plain
    endures(bench, (411, 412, 503), announced=0)
    assert len(bench.gets) <= 30 and not [get for get in bench.gets if get[1] == "bench"]


@pytest.mark.parametrize("status", [301, 303, 307, 308])
def test_a_redirect_loop_over_two_hosts(status):
    files = {("bench", "/loop"): lambda fields: (status, (("Location", FILE),), b"")}
    bench = world(lambda fields: (status, (("Location", "https://bench/loop"),), b""))
    bench.files.update(files)
    assert len(endures(bench, (411,), announced=0).gets) <= 8


def test_a_redirect_out_of_tls():
    """What was ordered with https is not fetched without."""
    bench = world(lambda fields: (302, (("Location", "http://other/p.fup"),), b""))
    asked = []
    inner = bench.net.connect
    bench.net.connect = lambda host, address, port, tls: (asked.append((port, tls)), inner(host, address, port, tls))[1]
    endures(bench, (411,), announced=0)
    assert all(tls for _, tls in asked)


@pytest.mark.parametrize("path, rate", [("/d.dd", 1), ("/p.fup", 1), ("/p.fup", 10), ("/notify", 1), ("/dm", 1)])
def test_slow_loris(path, rate):
    """Bytes drip: in the head, then in the body. Whoever it is, the device has better things to do."""

    def drip(method, asked, number):
        return Tamper(rate=rate) if asked == path and bench.hostile else None

    bench = world()
    bench.hostile = True
    host = "bench" if path == "/dm" else "other"
    bench.servers[host].tamper = drip
    if path == "/dm":
        bench.run(7200)
        assert bench.device.version == goods.OLD and not bench.results
    elif path == "/notify":
        bench.run(40000)
        assert bench.results == [("a", 200)] and bench.sessions[-1][0] < 3600000, "the alert does not wait for ever"
        return
    else:
        endures(bench, (407, 503), tries=9)
    bench.hostile = False
    works_again(bench)


@pytest.mark.parametrize("path", ["/d.dd", "/p.fup", "/dm"])
@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 3000 + b"\r\n",
        b"HTTP/1.1 200 " + b"OK" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5000,
        b"HTTP/1.1 200 OK\r\nETag: " + b'"' + b"e" * 2000 + b'"\r\nContent-Length: 5\r\n\r\n12345',
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\n12345\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + b"T: t\r\n" * 5000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n\x1f\x8b",
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\n12345",
        b"HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2 200\r\n\r\n", b"\x00" * 20000, b"\r\n" * 9000, b"HTTP/1.1 200 OK\n\nx",
    ],
    ids=lambda head: bytes(head[:40]).decode("latin-1").replace("\r\n", " ") + str(len(head)),
)  # fmt: skip
def test_heads_that_are_no_heads(path, head):
    bench = world()
    bench.hostile = True
    spoil = lambda method, asked, number: Tamper(raw=head, keep=False) if asked == path and bench.hostile else None  # noqa: E731
    bench.servers["bench" if path == "/dm" else "other"].tamper = spoil
    if path == "/dm":
        bench.run(7200)
        assert bench.device.version == goods.OLD and not bench.results
    else:
        endures(bench, (402, 405, 407, 409, 411, 412, 501, 503), tries=9, announced=len(head) + K)
    bench.hostile = False
    works_again(bench)


@pytest.mark.parametrize(
    "data", [b"", b"<", b"<media", b"PK\x03\x04" * 100, PACKAGE[:4], PACKAGE[:200], DD[:-9], b"<?xml?>" * 900]
)
def test_what_the_url_leads_to_is_nonsense(data):
    for script in (order("dau", FILE), order("download", FILE)):
        endures(world(data, script=script), (402, 405, 503), tries=9)


@pytest.mark.parametrize("order_of", range(3))
def test_a_server_that_never_says_the_same(order_of):
    """Each answer has another size, validator and content."""
    count = itertools.count(order_of)

    def serve(fields):
        n = next(count)
        data = goods.package((goods.NEW, goods.OTHER, goods.OWNERS)[n % 3], encoding="none")
        return serve_file(fields, data, "application/octet-stream", '"%d"' % n)

    bench = world(serve, script=order("dau", FILE))
    bench.servers["other"].tamper = lambda method, path, number: Tamper("reset", 9000 + number % 7 * 1000)
    endures(bench, (402,), tries=12)
