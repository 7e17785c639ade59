"""XML out: what is written, and that our reader reads it as it was meant."""

from agent.window import Out
from agent.xml_reader import XmlReader
from agent.xml_writer import XmlWriter
from tests.portable.test_window import inside, leaf, read_events

_SYNC_ML, _SYNC_HDR, _VER_DTD, _DATA, _FINAL, _META = 0x2D, 0x2C, 0x31, 0x0F, 0x12, 0x1A
_ANCHOR, _LAST, _SIZE = 0x105, 0x10A, 0x112
_MGMT_TREE, _NODE, _ADD = 0x220, 0x224, 0x207
TEXTS = ("plain", "<&>\"'", "a\r\nb\tc", "]]>", "h\xe9\u20ac\U0001f600", "1" * 300, "&" * 60)


def write_all(writer, out, text, raw, binary):
    """Write a message with everything in it and return it as bytes; a buffer of 1 KiB is emptied now and then."""
    sent = bytearray()

    def drain():
        sent.extend(out.view[: out.size])
        out.clear()

    writer.begin()
    writer.start(_SYNC_ML)
    writer.start(_SYNC_HDR)
    writer.leaf(_VER_DTD, "1.2")
    writer.leaf(_DATA, text)
    drain()
    writer.start(_META)
    writer.leaf(_SIZE, b"%d" % writer.data_size(len(raw), binary))
    writer.start(_ANCHOR)
    writer.leaf(_LAST, memoryview(b"x"))
    writer.end()
    writer.end()
    writer.end()
    drain()
    writer.start(_DATA)
    writer.begin_data(len(raw), binary)
    for at in range(0, len(raw), 100):
        writer.data(memoryview(raw)[at : min(at + 100, len(raw))])
        drain()
    writer.end_data()
    writer.end()
    writer.start(_MGMT_TREE)
    writer.start(_NODE)
    writer.leaf(_ADD, None)
    writer.end()
    writer.end()
    writer.leaf(_DATA, "")
    writer.leaf(_DATA, b"")
    writer.empty(_FINAL)
    writer.end()
    drain()
    return bytes(sent)


def events_of(text, size, content):
    """Return what `write_all` means."""
    meta = inside(_META, leaf(_SIZE, b"%d" % size), inside(_ANCHOR, leaf(_LAST, b"x")))
    header = inside(_SYNC_HDR, leaf(_VER_DTD, b"1.2"), leaf(_DATA, text.encode()), meta)
    tree = inside(_MGMT_TREE, inside(_NODE, leaf(_ADD)))
    return inside(_SYNC_ML, header, leaf(_DATA, content), tree, leaf(_DATA), leaf(_DATA), leaf(_FINAL))


def test_what_is_written_is_read_as_it_was_meant():
    out = Out()
    for text in TEXTS:
        for raw in (b"", b"a", b"<&>" * 50, b"0123456789" * 100):
            document = write_all(XmlWriter(out), out, text, raw, False)
            assert read_events(XmlReader, document, 128, 50) == events_of(text, len(raw), raw)


def test_binary_content_is_base64():
    import binascii

    out = Out()
    for size in (0, 1, 2, 3, 99, 100, 101, 1000):
        raw = bytes([i & 255 for i in range(size)])
        coded = binascii.b2a_base64(raw)[:-1]
        document = write_all(XmlWriter(out), out, "t", raw, True)
        assert read_events(XmlReader, document) == events_of("t", len(coded), coded)


def _written(what):
    out = Out()
    writer = XmlWriter(out)
    what(writer)
    return bytes(out.view[: out.size])


def test_namespaces():
    def message(writer):
        writer.begin()
        writer.start(_SYNC_ML)
        writer.start(_META)
        writer.leaf(_SIZE, "1")
        writer.start(_ANCHOR)
        writer.leaf(_LAST, "2")
        writer.end()
        writer.end()
        writer.end()

    assert _written(message) == (
        b'<?xml version="1.0" encoding="UTF-8"?><SyncML xmlns="SYNCML:SYNCML1.2"><Meta><Size xmlns="syncml:metinf">1</Size>'
        b'<Anchor xmlns="syncml:metinf"><Last>2</Last></Anchor></Meta></SyncML>'
    )

    def tree(writer):
        writer.begin_tnds()
        writer.start(_MGMT_TREE)
        writer.empty(_NODE)
        writer.end()

    assert _written(tree) == b'<MgmtTree xmlns="syncml:dmddf1.2"><Node/></MgmtTree>'


def test_characters_that_xml_has_not():
    everything = bytes(range(128))
    kept = bytes([byte if byte > 31 or byte in (9, 10, 13) else 63 for byte in everything])
    for text in (everything, str(everything, "utf-8"), memoryview(everything)):
        document = b"<a>" + _written(lambda writer: writer.text(text)) + b"</a>"
        assert read_events(XmlReader, document) == leaf(0, kept)


def test_a_command_is_as_long_from_a_fresh_writer():
    pieces = []
    for before in (False, True):  # dm_answer counts with a writer of its own what comes in the middle of a message
        out = Out()
        writer = XmlWriter(out)
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
