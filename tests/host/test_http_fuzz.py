"""Nothing that a server or a name server sends makes more than a LinkError, and nothing makes memory grow."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.dns import answer, query
from agent.errors import LinkError
from agent.http import _HEAD, Answer
from agent.web import WINDOW
from agent.window import Window
from tests.portable.test_http import read

_PARTS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404 No\n", b"HTTP/1.1 100 C\r\n", b"HTTP/1.1 304\r\n", b"\r\n", b"\n", b"\r",
        b"Content-Length: 5\r\n", b"Content-Length:", b"Transfer-Encoding: chunked\r\n", b"Location: ", b"a: ", b"5\r\n",
        b"0\r\n", b"3;x=y\r\nabc\r\n", b"FFFFFFFFF\r\n", b":", b" ", b"\0", b"\xff", b"x" * 1500, b"Connection: close\r\n",
    ]
)  # fmt: skip
_DATA = st.one_of(
    st.binary(max_size=300), st.lists(st.one_of(_PARTS, st.binary(max_size=8)), max_size=40).map(b"".join)
)


def outcome(data, piece, method):
    """Return all that can be seen of an answer, or the one kind of error that may come."""
    try:
        found, body, complete = read(data, piece, method)
    except LinkError as e:
        assert (e.code, e.dlota, e.final) == (503, 903, False)
        return None
    assert len(body) <= len(data) and all(len(value) <= 1024 for _, value in found._fields)
    assert sum(len(value) for _, value in found._fields) <= _HEAD
    return found.status, found.length, found._fields, found.keep, body, complete


@settings(max_examples=400, deadline=None)
@given(_DATA, st.integers(1, 40), st.sampled_from(["GET", "HEAD"]))
def test_answers(data, piece, method):
    assert outcome(data, piece, method) == outcome(data, 5000, method)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=30), max_size=8), st.binary(max_size=20))
def test_chunks_come_through(chunks, behind):
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    data += b"".join(b"%X;a\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nT: u\r\n\r\n"
    for piece in (1, 9, 5000):
        found, body, complete = read(data + behind, piece)
        assert body == b"".join(chunks) and complete and found.keep


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=40))
def test_an_endless_stream_ends(unit):
    window = Window(WINDOW)
    parser, taken = Answer(window, "GET"), 0
    try:
        while not parser.head():
            taken += window.feed(unit)
            assert taken <= _HEAD + WINDOW
    except LinkError:
        pass
    assert len(window.buf) == WINDOW


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=120), st.booleans(), st.integers(0, 65535))
def test_name_servers(data, right, number):
    question = query(number, "a.example")
    if right:
        data = question[:2] + b"\x81\x80\0\1\0\x09\0\0\0\0" + question[12:] + data
    try:
        found = answer(bytearray(data) + b"\xc0" * 9, len(data), question)
    except LinkError as e:
        assert (e.code, e.dlota) == (412, 954)
        return
    assert found is None or found == "" or len(found.split(".")) == 4
