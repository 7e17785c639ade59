"""Requests over a scripted network: cut everywhere, kept, dead, slow, silent, and never more than one connection."""

from agent.errors import LinkError, ProtocolError
from tests.portable.check import raises
from tests.portable.scripted_net import Stream, answer, body, broken, make_web, poll
from tests.portable.test_dns import reply

_URL = "http://h/p"


def fails(code, dlota, exchange, clock, final=False, step_ms=100):
    """Go on until it fails; return the error. Afterwards it stays so."""
    with raises(LinkError) as caught:
        poll(exchange, clock, step_ms)
        body(exchange, clock, step_ms=step_ms)
    error = caught.error
    assert (error.code, error.dlota, error.final) == (code, dlota, final), (error, error.code, error.dlota)
    with raises(LinkError):
        exchange.poll() and exchange.read_into(bytearray(1))
    exchange.close()
    return error


def test_get():
    stream = Stream((None, answer(b"hello", b"ETag: x\r\n")), wait=3)
    web, net, clock = make_web(stream)
    exchange = poll(web.open("GET", "https://h:8443/p?q#f", (("Range", "bytes=1-"),)), clock)
    assert (exchange.status, exchange.length, exchange.field("etag"), exchange.field("date")) == (200, 5, "x", None)
    assert body(exchange, clock) == b"hello" and exchange.read_into(bytearray(4)) == 0
    assert net.connected == [("h", "1.2.3.4", 8443, True)]
    assert (
        stream.sent.startswith(b"GET /p?q HTTP/1.1\r\nHost: h:8443\r\n") and b"\r\nRange: bytes=1-\r\n" in stream.sent
    )
    web.close()
    assert stream.closed


def test_every_cut():
    texts = (
        answer(b"hello, world"),
        b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x\r\n, world\r\n0\r\nT: u\r\n\r\n",
    )
    for text in texts:
        for cut in range(1, len(text)):
            first = Stream((text[:cut], None, text[cut:]), most=7, after=b"abcde")
            web, net, clock = make_web(first, Stream((b"",)))
            exchange = web.open("POST", _URL, (), [b"ab", b"", memoryview(b"cde")], 5)
            for size in (1, 3):
                assert body(poll(exchange, clock), clock, size) == (b"hello, world" if size == 1 else b"")
            assert first.sent.endswith(b"Content-Length: 5\r\n\r\nabcde")
            exchange.close()
            assert not first.closed
        for cut in range(len(text)):
            web, net, clock = make_web(Stream((text[:cut], b"")))
            fails(503, 903, web.open("GET", _URL), clock)
            assert net.connected and not web._idle


def test_large_bodies_do_not_pass_through_the_window():
    data = bytes(range(256)) * 40
    for into in (bytearray(20000), memoryview(bytearray(20000))):
        stream = Stream((answer(data) + b"something behind it",))
        web, net, clock = make_web(stream)
        exchange, sizes = poll(web.open("GET", _URL), clock), []
        while sum(sizes) < len(data):
            sizes.append(exchange.read_into(into))
        assert len(sizes) == 2 and sizes[1] > 8000
        assert bytes(into[: sizes[1]]) == data[sizes[0] :]


def test_keep():
    first = Stream((answer(b"1"), answer(b"22"), answer(b"")))
    web, net, clock = make_web(first, Stream((answer(b"4"),)), Stream((answer(b"5"),)))
    first.script.insert(1, None), first.script.insert(3, None)  # nothing comes unasked
    for text in (b"1", b"22", b""):
        assert body(poll(web.open("GET", _URL), clock), clock) == text
    assert len(net.connected) == 1 and first.sent.count(b"GET ") == 3
    assert body(poll(web.open("GET", "http://h:81/"), clock), clock) == b"4" and first.closed
    clock.sleep_ms(31000)  # too old
    assert body(poll(web.open("GET", "http://h:81/"), clock), clock) == b"5" and len(net.connected) == 3


def test_what_is_not_kept():
    half = Stream((answer(b"hello"),))
    loud = Stream((answer(b"hello") + b"HTTP",))
    polite = Stream((answer(b"hello", b"Connection: close\r\n"),))
    endless = Stream((b"HTTP/1.1 200 OK\r\n\r\nhello", b""))
    web, net, clock = make_web(half, loud, polite, endless, Stream((answer(),)))
    poll(web.open("GET", _URL), clock).read_into(bytearray(2))
    for stream in (half, loud, polite, endless):
        exchange = web.open("GET", _URL)
        assert stream.closed
        assert body(poll(exchange, clock), clock) == b"hello"
    assert len(net.connected) == 5


def test_a_dead_connection_is_noticed_before_it_is_used():
    for end in (b"", broken(), b"HTTP/1.1 408 Time\r\n\r\n"):
        first = Stream((answer(b"1"), end))
        web, net, clock = make_web(first, Stream((answer(b"2"),)))
        assert body(poll(web.open("GET", _URL), clock), clock) == b"1"
        exchange = web.open("POST", _URL, (), iter([b"x"]), 1)
        assert first.closed and body(poll(exchange, clock), clock) == b"2" and len(net.connected) == 2


def test_a_dead_connection_is_opened_again_once():
    for dies in (b"", broken()):
        for room in (0, 10, 1 << 30):
            for pieces in (None, lambda: iter((b"ab", b"c"))):
                first, second = Stream((answer(b"1"), None, None, dies)), Stream((answer(b"2"),))
                web, net, clock = make_web(first, second)
                body(poll(web.open("GET", _URL), clock), clock)
                first.room = room
                exchange = web.open("POST", _URL, (), pieces, 3 if pieces else 0)
                assert body(poll(exchange, clock), clock) == b"2" and first.closed and exchange.status == 200
                assert second.sent.endswith(b"\r\nContent-Length: 3\r\n\r\nabc" if pieces else b"Length: 0\r\n\r\n")


def test_a_dead_connection_is_not_opened_again():
    def second(pieces, *script):
        web, net, clock = make_web(Stream((answer(b"1"), None) + script), Stream((b"",)), Stream((answer(),)))
        body(poll(web.open("GET", _URL), clock), clock)
        return web.open("POST", _URL, (), pieces, 3), clock, net

    exchange, clock, net = second(iter([b"abc"]), b"")  # the body is gone
    fails(503, 903, exchange, clock)
    assert len(net.connected) == 1
    exchange, clock, net = second(lambda: [b"abc"], b"H", b"")  # an answer has begun
    fails(503, 903, exchange, clock)
    assert len(net.connected) == 1
    exchange, clock, net = second(lambda: [b"abc"])  # silent, not dead
    fails(407, 903, exchange, clock, step_ms=1000)
    assert len(net.connected) == 1
    exchange, clock, net = second(lambda: [b"abc"], b"")  # the new one dies too
    fails(503, 903, exchange, clock)
    assert len(net.connected) == 2


def test_an_answer_before_the_request_is_sent():
    stream = Stream((None, answer(b"no"), answer(b"again")), most=10)
    web, net, clock = make_web(stream, Stream(()))
    exchange = poll(web.open("POST", _URL, (), [b"x" * 5000], 5000), clock)
    assert body(exchange, clock) == b"no" and len(stream.sent) < 5000
    exchange.close()
    assert stream.closed  # what was not sent would be missed
    stream = Stream((None, answer(b"no")), room=200)
    web, net, clock = make_web(stream)
    exchange = web.open("POST", _URL, (), [b"x" * 5000], 5000)
    stream.script.pop(0)
    assert body(poll(exchange, clock), clock) == b"no"  # it broke while we sent, yet the answer was there
    web, net, clock = make_web(Stream((), room=200))
    fails(503, 903, web.open("POST", _URL, (), [b"x" * 5000], 5000), clock)


def test_bodies_that_are_not_as_announced():
    for pieces, length in (([b"abc"], 4), ([b"abc"], 2), ([], 1), (None, 3)):
        stream = Stream(())
        web, net, clock = make_web(stream)
        fails(503, 903, web.open("POST", _URL, (), pieces, length), clock)
        assert stream.closed and len(stream.sent.split(b"\r\n\r\n")[1]) <= length

    def refusing():
        yield b"ab"
        raise ProtocolError("changed", 500)

    stream = Stream(())
    web, net, clock = make_web(stream)
    with raises(ProtocolError):
        poll(web.open("POST", _URL, (), refusing(), 5), clock)
    assert stream.closed


def times_out(code, dlota, most_ms, stream, **more):
    """Make sure that it ends after `most_ms`, and not much earlier; return what it says."""
    web, net, clock = make_web(stream)
    error = fails(code, dlota, web.open("POST" if more else "GET", _URL, **more), clock)
    assert most_ms <= clock.ms() < most_ms * 1.1 + 500 and stream.closed, clock.ms()
    return str(error)


def test_time_caps():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    text = times_out(412, 954, 30000, Stream((), wait=10000))
    assert text == "no connection to h: the server, or its TLS, does not answer", text
    times_out(407, 903, 60000, Stream(()))
    times_out(407, 903, 60000, Stream((head[:20],)))
    times_out(407, 903, 60000, Stream((head + b"x",)))
    drip = [bytes((char,)) for char in head[:-4] + b"\r\nX: " + b"y" * 5000]
    times_out(407, 903, 60000, Stream([step for char in drip for step in (char, None, None, None)]))
    times_out(407, 903, 60000, Stream((), most=1), pieces=[b"x" * 9000], length=9000)


def test_sending_has_a_time_of_its_own():
    web, net, clock = make_web(Stream((answer(b"ok"),), most=10, after=b"y"))
    web.head_ms = 1000
    exchange = web.open("POST", _URL, (), [b"x" * 999, b"y"], 1000)
    assert body(poll(exchange, clock), clock) == b"ok" and clock.ms() > 5000


def test_a_slow_body_is_no_silence():
    steps = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"]
    for char in b"hello":
        steps += [None] * 50 + [bytes((char,))]
    web, net, clock = make_web(Stream(steps))
    assert body(poll(web.open("GET", _URL), clock), clock, step_ms=1000) == b"hello" and clock.ms() > 200000


def test_size_caps():
    for text in (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2000, b"HTTP/1.1 100 C\r\n\r\n" * 2000, b"H" * 20000):
        stream = Stream((text,))
        web, net, clock = make_web(stream)
        fails(503, 903, web.open("GET", _URL), clock, step_ms=1)
        assert len(b"".join(stream.script)) > len(text) - 9000 - 2000


def test_names():
    def answers(asked, address, port):
        return [(reply(asked), address, port)]

    web, net, clock = make_web(Stream((answer(b"1"), None, b"")), Stream((answer(b"2"),)), answers=answers)
    assert body(poll(web.open("GET", "https://Fw.example.com/"), clock), clock) == b"1"
    assert net.connected == [("fw.example.com", "10.0.0.7", 443, True)] and net.ports[0].closed
    assert body(poll(web.open("GET", "https://fw.example.com/"), clock), clock) == b"2"  # asked again
    assert len(net.connected) == 2 and len(net.ports) == 2
    web, net, clock = make_web(answers=lambda *_: [])
    fails(412, 954, web.open("GET", _URL), clock)
    assert net.ports[0].closed and 9000 < clock.ms() < 10000 and not net.connected
    web, net, clock = make_web(answers=answers)
    fails(411, 954, web.open("GET", "http://a..b/"), clock, True)


def test_errors_of_the_port_come_through():
    for code, dlota, final in ((412, 954, False), (503, 954, True), (503, 903, False)):
        stream = Stream(())
        stream.write = lambda data: raises_link(code, dlota, final)
        web, net, clock = make_web(stream, Stream((answer(),)))
        fails(code, dlota, web.open("GET", _URL), clock, final)
        assert stream.closed and len(net.connected) == 1


def raises_link(code, dlota, final):
    """Raise what a port raises."""
    raise LinkError("no", code, dlota, final)


def test_only_one_exchange():
    first = Stream((answer(b"hello"),))
    web, net, clock = make_web(first, Stream((answer(b"2"),)))
    old = poll(web.open("GET", _URL), clock)
    new = web.open("GET", _URL)
    assert first.closed
    with raises(LinkError):
        old.read_into(bytearray(9))
    assert body(poll(new, clock), clock) == b"2"
    old.close()
    new.close()
    assert web._idle
    for url in ("", "ftp://h/", "http://h:0/"):
        with raises(LinkError) as caught:
            web.open("GET", url)
        assert (caught.error.code, caught.error.dlota, caught.error.final) == (411, 954, True)
    web.close()
    web.close()
