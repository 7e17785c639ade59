"""HTTP heads and bodies: whole, a byte at a time, cut off at every place, too long, and wrong."""

from agent.errors import LinkError
from agent.http import Answer
from agent.http_request import origin_and_path, request_head
from agent.web import WINDOW
from agent.window import Window
from tests.portable.check import raises

_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"


def read(data, piece=10000, method="GET", closed=False):
    """Feed the bytes in pieces; return (Answer, body, whether it is complete)."""
    window = Window(WINDOW)
    answer, body, at = Answer(window, method), b"", 0
    while True:
        room = answer.room() if answer.head() else -1
        held = window.end - window.start
        if room == 0:
            return answer, body, True
        if room > 0 and held:
            count = min(room, held)
            body += bytes(window.view[window.start : window.start + count])
            window.start += count
            answer.took(count)
        elif at == len(data):
            if closed:
                answer.closed()
                closed = False
            else:
                return answer, body, False
        else:
            at += window.feed(data[at : at + piece])


def both(data, method="GET", closed=False):
    """Read in pieces of every size that matters; all must give the same."""
    first, body, complete = read(data, 10000, method, closed)
    for piece in (1, 2, 3, 5, 7, 16, 100):
        other, other_body, other_complete = read(data, piece, method, closed)
        assert (other.status, other.length, other._fields) == (first.status, first.length, first._fields)
        assert (other.keep, other_body, other_complete) == (first.keep, body, complete), (data, piece)
    return first, body, complete


def refused(data, text=""):
    """Make sure that it is refused, whole and in single bytes."""
    for piece in (10000, 1):
        with raises(LinkError) as caught:
            read(data, piece)
        assert (caught.error.code, caught.error.dlota, caught.error.final) == (503, 903, False), data
        assert text in str(caught.error), (data, str(caught.error))


def test_length():
    fields = b'content-TYPE: \t text/plain ; x \r\nX-Other: \xff\xfe\r\nETag:"a"\r\ncontent-length:5\r\n'
    answer, body, complete = both(_OK + fields + b"\r\nhello")
    assert complete and body == b"hello" and answer.length == 5 and answer.status == 200 and answer.keep
    assert answer.field("content-type") == "text/plain ; x" and answer.field("etag") == '"a"'
    assert answer.field("x-other") is None and answer.field("date") is None
    assert both(b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n")[2]
    assert both(b"HTTP/1.1 200 \nContent-Length: 2\n\nab")[1] == b"ab"


def test_what_has_no_body():
    for head in (b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\n"):
        answer, body, complete = both(head)
        assert complete and body == b"" and answer.length == 0 and answer.keep
    assert both(_OK + b"Content-Length: 5\r\n\r\n", "HEAD")[2]


def test_until_the_end():
    answer, body, complete = both(_OK + b"\r\nabc")
    assert body == b"abc" and not complete and answer.length == -1 and not answer.keep
    assert both(_OK + b"\r\nabc", closed=True)[1:] == (b"abc", True)


def test_interim_answers():
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nETag: x\r\nContent-Length: 7\r\n\r\n"
    answer, body, complete = both(data + _OK + b"Content-Length: 1\r\n\r\n1")
    assert complete and body == b"1" and answer.status == 200 and answer.field("etag") is None
    refused(b"HTTP/1.1 101 Switching\r\n\r\n", "101")
    refused(b"HTTP/1.1 100 Continue\r\n\r\n" * 400, "too long")


def test_chunks():
    data = b"5\r\nhello\r\n3 ; a=b\r\n, w\r\n00000a\r\n0123456789\r\n1\r\n\n\r\n"
    for end in (b"0\r\n\r\n", b"000\r\nX: y\r\nETag: z\r\n\r\n", b"0;x\r\n" + b"T: %s\r\n" % (b"t" * 1500) + b"\r\n"):
        answer, body, complete = both(_CHUNKED + data + end)
        assert complete and body == b"hello, w0123456789\n" and answer.length == -1 and answer.keep
        assert answer.field("etag") is None
    assert both(_CHUNKED + b"AbC\r\n" + b"x" * 0xABC + b"\r\n0\r\n\r\n")[1] == b"x" * 0xABC


def test_bad_chunks():
    for line in (
        b"",
        b" 5",
        b"+5",
        b"0x5",
        b"-1",
        b"5_0",
        b"g",
        b"5h",
        b";",
        b"20000000",
        b"FFFFFFFF",
        b"1" * 11,
        b"\x15",
    ):
        refused(_CHUNKED + line + b"\r\n" + b"x" * 20)
    refused(_CHUNKED + b"5" * 2000, "too long")
    refused(_CHUNKED + b"5;" + b"x" * 300, "too long")
    refused(_CHUNKED + b"2\r\nabc\r\n", "too long")
    refused(_CHUNKED + b"2\r\nab \n", "longer")
    refused(_CHUNKED + b"0\r\n" + b"a: b\r\n" * 400, "too long")
    refused(_CHUNKED + b"0\r\n" + b"a" * 3000, "too long")


def test_keep():
    for fields, kept in (
        (b"Connection: close\r\n", False),
        (b"Connection: Keep-Alive\r\n", True),
        (b"connection: upgrade, close\r\n", False),
    ):
        assert both(_OK + fields + b"Content-Length: 0\r\n\r\n")[0].keep == kept
    assert not both(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")[0].keep


def test_bad_heads():
    for line in (
        b"", b"HTTP", b"HTTP/2 200 OK", b"HTTP/1.1 99 OK", b"HTTP/1.1 600 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1  200",
        b"http/1.1 200 OK", b"HTTP/1.1 -20 OK", b"HTTP/1.1_200 OK", b"ICY 200 OK", b"x" * 2000, b"\0" * 13,
        b"HTTP/1.1 \x12\x10\x10 OK",
    ):  # fmt: skip
        refused(line + b"\r\nContent-Length: 0\r\n\r\n")
    for field in (
        b": x", b"x", b" x: y", b"x y: z", b"x\0: z", b"Content-Length : 5", b"\xff: x", b"Content-Length: ",
        b"Content-Length: 5 5", b"Content-Length: +5", b"Content-Length: 0x5", b"Content-Length: 5, 5",
        b"Content-Length: 12345678901", b"Content-Length: 5\r\nContent-Length: 6", b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding:", b"Content-Encoding: gzip", b"Location: \xc3\xa9", b"ETag: a\0b", b"ETag: a\rb",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"Content-Type: a\r\n b",
    ):  # fmt: skip
        refused(_OK + field + b"\r\n\r\n")
    assert both(_OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n1")[2]
    assert both(_OK + b"Date: a\r\nDate: b\r\nContent-Length: 0\r\n\r\n")[0].field("date") == "a"


def test_long_fields():
    answer = both(_OK + b"Location: " + b"l" * 1024 + b"\r\nContent-Length: 0\r\n\r\n")[0]
    assert answer.field("location") == "l" * 1024
    for size in (1025, 1200, 5000):
        refused(_OK + b"Location: " + b"l" * size + b"\r\n\r\n", "too long")
    fields = b"Set-Cookie: %s\r\nContent-Length: 2\r\n\r\n" % (b"c" * 5000)
    assert both(_OK + fields + b"ab")[1:] == (b"ab", True)
    assert both(_OK + b"N%s: x\r\nETag: y\r\nContent-Length: 0\r\n\r\n" % (b"n" * 500))[0].field("etag") == "y"
    refused(_OK + b"N%s: x\r\n\r\n" % (b"n" * 5000))
    refused(_OK + b"Set-Cookie: " + b"c" * 8200, "too long")
    refused(_OK + b"a: b\r\n" * 1500, "too long")


def test_cut_off_everywhere():
    for data in (
        _OK + b"Content-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 100 C\r\n\r\n" + _CHUNKED + b"3\r\nabc\r\n0\r\na: b\r\n\r\n",
    ):
        for size in range(len(data)):
            assert not read(data[:size])[2], size
            with raises(LinkError) as caught:
                read(data[:size], closed=True)
            assert (caught.error.code, caught.error.dlota) == (503, 903)
        assert read(data, closed=True)[2]


def test_what_stands_behind_is_left_alone():
    for data in (_OK + b"Content-Length: 3\r\n\r\nabc", _CHUNKED + b"3\r\nabc\r\n0\r\n\r\n"):
        answer, body, complete = read(data + b"HTTP/1.1 200")
        assert complete and body == b"abc" and answer._window.end - answer._window.start == 12


def test_request_head():
    head = request_head("GET", "h:8", "/p?q", (("Range", "bytes=5-"), ("If-Range", '"e"')), -1)
    lines = head.split(b"\r\n")
    assert lines[0] == b"GET /p?q HTTP/1.1" and lines[-2:] == [b"", b""] and b"Host: h:8" in lines
    assert b"Range: bytes=5-" in lines and b'If-Range: "e"' in lines and b"Accept-Encoding: identity" in lines
    assert b"Content-Length" not in head
    assert b"\r\nContent-Length: 0\r\n" in request_head("POST", "h", "/", (), 0)
    for value in ("a\r\nb: c", "a\nb", "\0"):
        with raises(LinkError) as caught:
            request_head("GET", "h", "/", (("A", value),), -1)
        assert caught.error.final


def test_origins():
    for url, origin, path in (
        ("http://h/p#f", (False, "h", "h", 80), "/p"),
        ("https://H.x:8443?q#", (True, "h.x:8443", "h.x", 8443), "/?q"),
        ("http://h:/", (False, "h:", "h", 80), "/"),
        ("https://[::1]:9/a", (True, "[::1]:9", "::1", 9), "/a"),
    ):
        assert origin_and_path(url) == (origin, path)
    for url in (
        "", "h", "ftp://h/", "http:///p", "http://:80/", "http://h:0/", "http://h:65536/", "http://h:x/", "http://h:-1/",
        "http://h:999999/", "http://u@h/", "http://h/ ", "http://h/\r\nX: y", "http://[]/", "http://[::1/", "http://h]/",
        "http://h/" + "p" * 1020,
    ):  # fmt: skip
        with raises(LinkError) as caught:
            origin_and_path(url)
        assert (caught.error.code, caught.error.dlota, caught.error.final) == (411, 954, True), url
