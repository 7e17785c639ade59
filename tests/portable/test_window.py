"""The window that the SyncML readers look through, and the buffer that the writers fill."""

from agent import window
from agent.errors import ProtocolError
from agent.window import Out, Window
from tests.portable.check import raises


def read_events(make, document, size=512, piece=10000):
    """Read the document in pieces through a window of `size` bytes; return the events, text joined, as (event, what)."""
    through = Window(size)
    reader = make(through)
    events, at, rest = [], 0, memoryview(document)
    for event in reader.events:
        if event == window.NEED_DATA:
            count = through.feed(rest[at : at + piece])
            at += count
            if not count:
                assert at == len(document) and not through.closed
                through.close()
        elif event == window.TEXT:
            text = bytes(reader.text)
            if events and events[-1][0] == window.TEXT:
                text = events.pop()[1] + text
            events.append((event, text))
        else:
            events.append((event, None if event == window.DONE else reader.tag))
    assert events and events[-1][0] == window.DONE
    return events[:-1]


def check_document(make, document, expected):
    """Read it whole, in pieces, through small windows; with something behind it; cut off everywhere."""
    for size, piece in ((512, 10000), (512, 1), (64, 7), (64, 1), (65, 64), (4096, 10000)):
        assert read_events(make, document, size, piece) == expected, (size, piece)
    for trailing in (b"x", b"\x01", b"<a/>", b"&amp;", b"</a>"):
        refused(make, document + trailing)
    for size in range(len(document)):
        refused(make, document[:size])


def refused(make, document, sizes=((512, 10000), (64, 1))):
    """Check that the document is refused, and that the reader is finished then."""
    for size, piece in sizes:
        with raises(ProtocolError):
            read_events(make, document, size, piece)
            raise AssertionError(document)


def leaf(tag, text=None):
    """Return the events of an element with text."""
    inner = [(window.TEXT, text)] if text else []
    return [(window.START, tag)] + inner + [(window.END, tag)]


def inside(tag, *events):
    """Return the events of an element around others."""
    return [(window.START, tag)] + [event for part in events for event in part] + [(window.END, tag)]


def test_window_moves_its_tail_to_the_front():
    w = Window(8)
    assert len(w.space()) == 8 and w.feed(b"abcdef") == 6
    w.start = 4
    assert w.feed(b"ghijklmnop") == 6
    assert (w.start, w.end, bytes(w.buf)) == (0, 8, b"efghijkl")
    assert len(w.space()) == 0 and w.feed(b"x") == 0
    w.start = 8
    space = w.space()
    space[:2] = b"yz"
    w.filled(2)
    assert (w.start, w.end, bytes(w.view[:2])) == (0, 2, b"yz")


def test_need():
    w = Window(4)
    w.need()
    w.feed(b"abcd")
    with raises(ProtocolError):
        w.need()
    w.start = 1
    w.need()
    w.close()
    with raises(ProtocolError):
        w.need()


def test_out_keeps_its_size():
    out = Out(8)
    out.put(b"abc")
    out.put(memoryview(b"defgh"))
    assert out.size == 8 and bytes(out.view[: out.size]) == b"abcdefgh"
    with raises(ValueError):
        out.put(b"x")
    assert len(out.buf) == 8
    out.clear()
    with raises(ValueError):
        out.put(b"123456789")
    out.put(b"12345678")
    assert bytes(out.buf) == b"12345678"


def test_characters():
    for code in (9, 10, 13, 32, 0xD7FF, 0xE000, 0xFFFD, 0x10000, 0x10FFFF):
        assert bytes(window.character(code)) == chr(code).encode()
    for code in (0, 1, 8, 11, 12, 14, 31, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x110000, 1 << 40, -1):
        with raises(ProtocolError):
            window.character(code)
