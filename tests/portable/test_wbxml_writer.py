"""WBXML out: what is written, and that our reader reads it as it was meant."""

from agent.wbxml_reader import WbxmlReader
from agent.wbxml_writer import WbxmlWriter
from agent.window import Out
from tests.portable.test_window import inside, leaf, read_events
from tests.portable.test_xml_writer import TEXTS, events_of, write_all

_SYNC_ML, _DATA, _META, _FINAL, _SIZE = 0x2D, 0x0F, 0x1A, 0x12, 0x112
_MGMT_TREE, _NODE = 0x220, 0x224


def _written(what, public_id=0x1201):
    out = Out()
    what(WbxmlWriter(out, public_id))
    return bytes(out.view[: out.size])


def test_what_is_written_is_read_as_it_was_meant():
    out = Out()
    for text in TEXTS + ("a\0b", "\0"):
        for raw in (b"", b"a", bytes(300), b"0123456789" * 100):
            for public_id in (0x1201, 0):
                document = write_all(WbxmlWriter(out, public_id), out, text, raw, len(raw) & 1)
                assert read_events(WbxmlReader, document, 128, 50) == events_of(text, len(raw), raw)


def test_bytes():
    def message(writer):
        writer.begin()
        writer.start(_SYNC_ML)
        writer.start(_META)
        writer.leaf(_SIZE, "1")
        writer.end()
        writer.leaf(_DATA, b"a\0")
        writer.empty(_FINAL)
        writer.end()

    body = b"\x6d\x5a\x00\x01\x52\x031\0\x01\x01\0\0\x4f\xc3\x02a\0\x01\x12\x01"
    assert _written(message) == b"\x02\xa4\x01\x6a\0" + body
    assert _written(message, 0x0FD3) == b"\x02\x9f\x53\x6a\0" + body
    assert _written(message, 0) == b"\x02\0\0\x6a\x1d-//SYNCML//DTD SyncML 1.2//EN" + body


def test_trees_and_fragments():
    def tree(writer):
        writer.begin()
        writer.begin_tnds()
        writer.start(_MGMT_TREE)
        writer.empty(_NODE)
        writer.end()

    head = _written(lambda writer: writer.begin())
    document = _written(tree)[len(head) :]
    assert document == b"\x02\0\0\x6a\x1a-//OMA//DTD-DM-DDF 1.2//EN\0\x02\x60\x24\x01"
    assert read_events(WbxmlReader, document) == inside(_MGMT_TREE, leaf(_NODE))

    def fragment(writer):
        writer.begin_fragment(2)
        writer.start(_NODE)
        writer.empty(_NODE)
        writer.end()

    assert _written(fragment) == b"\x64\x24\x01"


def test_sizes():
    for size, head in (
        (0, b"\0"),
        (127, b"\x7f"),
        (128, b"\x81\0"),
        (16384, b"\x81\x80\0"),
        (0xFFFFFFFF, b"\x8f\xff\xff\xff\x7f"),
    ):
        assert _written(lambda writer: writer.begin_data(size, False)) == b"\xc3" + head
    assert _written(lambda writer: writer.data(b"ab")) == b"ab"


def test_a_command_is_as_long_from_a_fresh_writer():
    pieces = []
    for before in (False, True):  # dm_answer counts with a writer of its own what comes in the middle of a message
        out = Out()
        writer = WbxmlWriter(out)
        if before:
            for _ in range(2):
                _command(writer)
        start = out.size
        _command(writer)
        pieces.append(bytes(out.view[start : out.size]))
    assert pieces[0] == pieces[1]


def _command(writer):
    writer.start(0x20)
    writer.start(_META)
    writer.leaf(_SIZE, "1")
    writer.end()
    writer.leaf(_DATA, "x")
    writer.end()
