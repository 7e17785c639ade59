"""WBXML in: all forms of the header and of text, in pieces, cut off, with something behind it, and what is refused."""

import gc

from agent import window
from agent.errors import ProtocolError
from agent.wbxml_reader import WbxmlReader
from agent.window import Window
from agent.xml_reader import XmlReader
from tests.portable.check import Skip, raises
from tests.portable.test_window import check_document, inside, leaf, read_events, refused

_SYNC_ML, _SYNC_HDR, _DATA, _FINAL, _META, _ITEM, _LOC_URI = 0x2D, 0x2C, 0x0F, 0x12, 0x1A, 0x14, 0x17
_TYPE = 0x113
_HEAD = b"\x02\xa4\x01\x6a\x00"
_FPI = b"-//SYNCML//DTD SyncML 1.2//EN"


def _read(document, size=512, piece=10000):
    return read_events(WbxmlReader, document, size, piece)


def _root(content):
    return _HEAD + b"\x6d" + content + b"\x01"


def _data(content):
    """Return the text of a Data element, read in two ways."""
    document = _root(b"\x4f" + content + b"\x01")
    events = _read(document)
    assert events == _read(document, 64, 1), document
    return b"".join([text for event, text in events[2:-2]])


def test_headers():
    table = b"abc\0./FUMO\0x"
    body, expected = b"\x6d\x57\x83\x04\x01\x12\x01", inside(_SYNC_ML, leaf(_LOC_URI, b"./FUMO"), leaf(_FINAL))
    for version in (b"\x01", b"\x02", b"\x03"):
        check_document(WbxmlReader, version + b"\xa4\x01\x6a\x0c" + table + body, expected)
    check_document(WbxmlReader, b"\x02\xa4\x01\x00\x0c" + table + body, expected)
    for end in (b"", b"\0"):
        head = b"\x02\0\0\x6a" + bytes((0x1D + len(end),)) + _FPI + end
        check_document(WbxmlReader, head + b"\x6d\x12\x01", inside(_SYNC_ML, leaf(_FINAL)))
        check_document(WbxmlReader, head + b"\x6d\x83\x13\x01", inside(_SYNC_ML, [(window.TEXT, _FPI[0x13:])]))
    head = b"\x02\0\x02\x6a\x82\x00" + bytes(256)
    assert _read(head + b"\x2d") == _read(head + b"\x2d", 64, 1) == leaf(_SYNC_ML)
    assert _read(b"\x02\xa4\x81\x80\x01\x6a\0\x2d", 64, 1) == leaf(_SYNC_ML)


def test_public_id():
    for head, public_id in ((_HEAD, 0x1201), (b"\x02\x9f\x53\x6a\0", 0x0FD3), (b"\x02\0\0\x6a\x1d" + _FPI, 0)):
        w = Window()
        w.feed(head + b"\x2d")
        reader = WbxmlReader(w)
        assert next(reader.events) == window.START and reader.tag == _SYNC_ML
        assert reader.public_id == public_id


def test_bad_headers_are_refused():
    bad = [
        b"",
        b"\x10\xa4\x01\x6a\0\x2d",
        b"\x7f\xa4\x01\x6a\0\x2d",
        b"\xff\xff\xff\xff\x7f\x01\x6a\0\x2d",
        b"<SyncML/>",
    ]
    bad += [
        b"\x02\xa4\x01\x04\0\x2d",
        b"\x02\xa4\x01\x6a\x82\x01" + bytes(257) + b"\x2d",
        b"\x02\0\x05\x6a\x04abcd\x2d",
    ]
    bad += [
        b"\x02\x90\x80\x80\x80\x00\x6a\0\x2d",
        b"\x02\x80\x80\x80\x80\x80\x01\x6a\0\x2d",
        b"\x02\xa4\x01\x6a\x8f\xff\xff\xff\x7f",
    ]
    for document in bad:
        refused(WbxmlReader, document)


def test_pages():
    """Switched at once or only when it has to be; an end needs no page."""
    meta = inside(_META, leaf(_TYPE, b"x"))
    expected = inside(_SYNC_ML, inside(_SYNC_HDR, meta), leaf(_DATA, b"y"), inside(0x220, leaf(0x207)), leaf(_FINAL))
    lazy = b"\x6d\x6c\x5a\x00\x01\x53\x03x\0\x01\x01\x01\0\0\x4f\x03y\0\x01\0\x02\x60\x07\x01\0\0\x12\x01"
    eager = (
        b"\0\0\x6d\x6c\x5a\x00\x01\x53\x03x\0\0\0\x01\x01\x01\0\0\x4f\x03y\0\x01\0\x02\x60\x07\0\0\x01\x12\0\0\0\1\x01"
    )
    check_document(WbxmlReader, _HEAD + lazy, expected)
    check_document(WbxmlReader, _HEAD + eager, expected)
    assert _read(_root(b"\x00\x07\x7f\x01\x3f")) == inside(_SYNC_ML, leaf(0x73F), leaf(0x73F))


def test_all_forms_of_text():
    assert _data(b"\x03abc\0") == b"abc"
    assert _data(b"\x03\0") == _data(b"\xc3\0") == b""
    assert _data(b"\xc3\x03a\0b") == b"a\0b"
    assert _data(b"\xc3\x80\x03\x01\x03\x05") == b"\x01\x03\x05"
    assert (
        _data(b"\x03a\0\xc3\x01b\x02\x20\x02\x81\x20\x02\x87\xff\x7dc"[:-1]) == b"ab \xc2\xa0" + chr(0x1FFFD).encode()
    )
    assert _data(b"\xc3\x87\x68" + bytes(1000)) == bytes(1000)
    assert _data(b"\x03" + b"z" * 1000 + b"\0\xc3\x01\0") == b"z" * 1000 + b"\0"
    document = _root(b"\x03a\0\x4f\x03b\0\x01\xc3\x01\x01")
    check_document(
        WbxmlReader, document, inside(_SYNC_ML, [(window.TEXT, b"a")], leaf(_DATA, b"b"), [(window.TEXT, b"\1")])
    )


def test_bad_bodies_are_refused():
    bad = [
        b"\x01",
        b"\x03a\0",
        b"\xc3\x01a",
        b"\x02\x41",
        b"\x83\0",
        b"\x6d\x83\0\x01",
        b"\xad\x01",
        b"\xed\x01",
        b"\x2d\x2d",
    ]
    bad += [b"\x6d\x01\x6d\x01", b"\x6d\x01\0\0", b"\x6d\x01\x01", b"\x2d\0", b"\x2d\x01", b"\0"]
    bad += [b"\x6d" + bytes((token,)) + b"a\0\0\0\x01\x01" for token in (4, 0x40, 0x41, 0x42, 0x43, 0x44)]
    bad += [b"\x6d" + bytes((token,)) + b"a\0\0\0\x01\x01" for token in range(0x80, 0x100) if token not in (0x83, 0xC3)]
    bad += [
        b"\x6d\x02" + number + b"\x01"
        for number in (b"\0", b"\x83\xb0\0", b"\xff\xff\xff\xff\x7f", b"\x80" * 6 + b"\x41")
    ]
    for body in bad:
        refused(WbxmlReader, _HEAD + body)


def test_depth():
    assert len(_read(_HEAD + b"\x54" * 64 + b"\x01" * 64)) == 128
    assert len(_read(_HEAD + b"\x54" * 64 + b"\x14" + b"\x01" * 64)) == 130  # an empty one opens nothing
    refused(WbxmlReader, _HEAD + b"\x54" * 65 + b"\x01" * 65)


def test_fragments():
    for page in (0, 2):
        expected = inside(page << 8 | 0x20, leaf(page << 8 | 7), leaf(0x105))
        check_document(lambda w, page=page: WbxmlReader(w, page), b"\x60\x07\0\1\x05\x01", expected)


def test_both_readers_say_the_same():
    xml = b"<SyncML><SyncHdr><Meta><Type xmlns='m'>a&amp;b</Type></Meta></SyncHdr><Data><![CDATA[x]]>y</Data><Final/></SyncML>"
    wbxml = _root(b"\x6c\x5a\0\1\x53\x03a&b\0\x01\x01\x01\0\0\x4f\x03x\0\xc3\x01y\x01\x12")
    assert _read(wbxml) == read_events(XmlReader, xml)


def test_a_reader_is_finished_after_an_error():
    for make, document in ((WbxmlReader, _root(b"\x04")), (XmlReader, b"<SyncML></Item>")):
        w = Window()
        reader = make(w)
        w.feed(document)
        assert next(reader.events) == window.START
        with raises(ProtocolError):
            next(reader.events)
        with raises(StopIteration):
            next(reader.events)


def _alive_in_the_middle(make, head, part):
    """Return the heap that is in use after so many parts of a document without an end."""
    w = Window(256)
    reader = make(w)
    w.feed(head)
    waiting, alive = 0, []
    while waiting < 2000:
        if next(reader.events) == window.NEED_DATA:
            w.feed(part)
            waiting += 1
            if waiting % 1000 == 0:
                gc.collect()
                alive.append(gc.mem_alloc())
    return alive


def test_memory_does_not_grow_with_the_document():
    if not hasattr(gc, "mem_alloc"):
        return Skip("only MicroPython counts its heap")
    for make, head, part in (
        (XmlReader, b"<SyncML>", b"<Item><Data a='b'>some text &lt;</Data><x/></Item>"),
        (WbxmlReader, _HEAD + b"\x6d", b"\x54\x4f\x03some text\0\xc3\x03abc\x01\x0f\x01"),
    ):
        first, second = _alive_in_the_middle(make, head, part)
        assert second - first < 256, (first, second)
