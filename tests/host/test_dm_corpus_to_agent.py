"""Every message of the corpus, in XML and in libwbxml's WBXML, is digested, and leaves the same records whatever the encoding."""

import base64

import pytest

from agent.dm_arena import Arena
from agent.dm_incoming import Incoming
from agent.wbxml_reader import WbxmlReader
from agent.window import Window
from agent.xml_reader import XmlReader
from tests.dm import corpus
from tests.dm.to_xml import Unavailable

NAMES = [name for name, direction, _ in corpus.MESSAGES if direction in "cs"]
DONE, MORE = 1, 0
DATA, FORMAT, HEADER = 0x0F, 0x87, 0x2C
NO_WBXML = "unknown elements"
PIECES = (1, 7, 300)


class Owner:
    """Keeps the SyncHdr, which leaves the arena when it is complete."""

    def __init__(self):
        self.headers = []

    def on_header(self, arena, record):
        """Take it."""
        self.headers.append(records(arena, record))

    def open_sink(self, arena, start):
        """Let nothing stream."""


def records(arena, at):
    """Return [(kind, depth, status, {field: bytes})] from there on."""
    found = []
    while at < arena.fill:
        fields, here = {}, at + 6
        while here < arena.next(at):
            size = arena.buf[here + 1] | arena.buf[here + 2] << 8
            fields.setdefault(arena.buf[here], []).append(bytes(arena.buf[here + 3 : here + 3 + size]))
            here += 3 + size
        found.append((arena.kind(at), arena.depth(at), arena.status(at), fields))
        at = arena.next(at)
    return found


def digest(body, make, piece, size=1 << 16):
    """Return (headers, records, final) of a message that comes in such pieces."""
    window, arena, owner = Window(), Arena(size), Owner()
    incoming, at = Incoming(make(window), arena, owner), 0
    for _ in range(2 * len(body) + 10):
        if incoming.run() == DONE:
            break
        count = window.feed(body[at : at + piece])
        at += count
        if not count:
            window.close()
    else:
        raise AssertionError("it does not come to an end")
    assert len(arena.buf) == size and at == len(body)
    return owner.headers, records(arena, 0), incoming.final


def plain(found):
    """Return the result with what the encodings say differently made equal: line ends, base64 and bin."""
    headers, rest, final = found
    same = []
    for kind, depth, status, fields in rest:
        fields = {field: [_plain(each, fields) for each in values] for field, values in fields.items()}
        same.append((kind, depth, status, fields))
    return headers, same, final


def _plain(value, fields):
    if [each.lower() for each in fields.get(FORMAT, [])] in ([b"b64"], [b"bin"]):
        try:
            value = base64.b64decode(value, validate=True)
        except ValueError:
            pass
    return value.replace(b"\r\n", b"\n").strip()


def wbxml(name, table=False):
    """Return the message as WBXML."""
    try:
        return corpus.wbxml(name, table=table)
    except Unavailable as e:
        pytest.skip(str(e))


@pytest.mark.parametrize("name", NAMES)
def test_xml(name):
    first = digest(corpus.XML[name].encode(), XmlReader, 300)
    assert len(first[0]) == 1 and first[0][0][0][0] == HEADER and first[1]
    assert all(digest(corpus.XML[name].encode(), XmlReader, piece) == first for piece in PIECES)


@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize("name", [name for name in NAMES if name != NO_WBXML])
def test_wbxml_leaves_the_same_records(name, table):
    body = wbxml(name, table)
    found = digest(body, WbxmlReader, 300)
    assert all(digest(body, WbxmlReader, piece) == found for piece in PIECES)
    assert plain(found) == plain(digest(corpus.XML[name].encode(), XmlReader, 300))


@pytest.mark.parametrize("name", NAMES)
def test_a_small_arena_cuts_and_goes_on(name):
    """What does not fit is 413 on its record, or the message is refused whole; the buffer never grows."""
    from agent.errors import ProtocolError

    for size in (700, 1000, 2048):
        try:
            _, found, _ = digest(corpus.XML[name].encode(), XmlReader, 300, size)
        except ProtocolError as e:
            assert e.code == 413
        else:
            assert all(status in (0, 413) for _, _, status, _ in found)
