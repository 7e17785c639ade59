"""XML in: whole, in pieces, cut off, with something behind it, and what is refused."""

from agent import syncml_tags
from agent.window import END, START, TEXT
from agent.xml_reader import XmlReader
from tests.portable.test_window import check_document, inside, leaf, read_events, refused

_SYNC_ML, _SYNC_HDR, _SYNC_BODY, _DATA, _FINAL, _META, _ITEM, _ADD = 0x2D, 0x2C, 0x2B, 0x0F, 0x12, 0x1A, 0x14, 0x05
_FORMAT, _TYPE, _NEXT_NONCE = 0x107, 0x113, 0x110

# fmt: off
_BAD_TEXT = (
    b"&", b"&lt", b"&foo;", b"&;", b"&&quot;", b"&#;", b"&#x;", b"&#0;", b"&#x0;", b"&#xD800;", b"&#xFFFE;", b"&#1;",
    b"&#x110000;", b"&#99999999;", b"&#-5;", b"&#+65;", b"&#6_5;", b"&# 65;", b"&#0x41;", b"&#xx41;", b"&#6A;",
    b"&#x\x1141;", b"&#xG;", b"&#`;", b"&lt;lt;gt;&gt ;", b"&#x00000000000000041;", b"&" + b"a" * 600 + b";", b"<!",
    b"<!-", b"<!-- ", b"<!-- --", b"<![CDATA[", b"<![CDATA[]]", b"<![CDATE[]]>", b"<!DOCTYPE a>", b"<?", b"<?x",
    b"\0", b"a\0b", b"<![CDATA[\0]]>", b"<!--\0-->",
)
_BAD_MARKUP = (
    b"", b" ", b"a", b"a<SyncML/>", b"&#32;<SyncML/>", b"<SyncML/>&#32;", b"<>", b"</>", b"</SyncML>", b"<SyncML/ >",
    b"<SyncML></Syncml>", b"<SyncML></SyncML x>", b"<SyncML></ SyncML>", b"<SyncML><Item></SyncML></Item>",
    b"<a:SyncML></SyncML>", b"<SyncML></a:SyncML>", b"<<SyncML/>", b"<SyncML<Item/>", b"<1/>", b"<-/>", b"<a=b/>",
    b"<SyncML/><SyncML/>", b"<SyncML></SyncML><Item/>", b"<SyncML/></SyncML>", b"<SyncML/><![CDATA[ ]]>",
    b"<![CDATA[]]>", b"<SyncML/><!DOCTYPE a>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><SyncML/>", b"<!DOCTYPE a [",
    b"<SyncML a='></SyncML>", b"<?xml version='1.0' encoding='ISO-8859-1'?><SyncML/>", b"\xff\xfe<\0S\0",
    b"\xfe\xff\0<", b"\xef\xbb<SyncML/>", b"\xef\xbb\xbf\xef\xbb\xbf<SyncML/>", b"<SyncML><a b='<'/></SyncML>",
    b"<" + b"a" * 65 + b"/>", b"<a" + b" " * 600 + b"/>", b"<MgmtTree></>", b"<MgmtTree></MgmtTree>>",
    b"<MgmtTree></Node>", b"<\0/>", b"<a\0/>", b"<SyncML></SyncML>\0",
)
# fmt: on


def _read(text, size=512, piece=10000):
    return read_events(XmlReader, text, size, piece)


def _data(content):
    """Return the text of a Data element, read in two ways."""
    document = b"<SyncML><Data>" + content + b"</Data></SyncML>"
    events = _read(document)
    assert events == _read(document, 64, 1), document
    assert events[:2] == [(START, _SYNC_ML), (START, _DATA)] and events[-2:] == [(END, _DATA), (END, _SYNC_ML)]
    return b"".join([text for event, text in events[2:-2]])


def test_every_name():
    for page, last in ((0, 0x3C), (1, 0x16), (2, 0x3C)):
        for token in range(5, last + 1):
            tag = page << 8 | token
            if tag == 0x30:
                continue  # reserved
            name = syncml_tags.name(tag)
            assert syncml_tags.number(name, page == 2) == tag
            element = b"<" + name + b">x</" + name + b" ><" + name + b"/>"
            around = b"<MgmtTree><Node>%s</Node></MgmtTree>" if page == 2 else b"<Item><Data>%s</Data></Item>"
            if tag != 0x220:
                assert _read(around % element)[2:-2] == leaf(tag, b"x") + leaf(tag), name
    for name in (b"", b"Nodes", b"ode", b"Add\x85", b"\x85Alert", b"Items", b"tem", b"item", b"e", b"MgmtTre"):
        assert syncml_tags.number(name, False) == syncml_tags.number(name, True) == -1, name


def test_documents():
    meta = b'<Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns=\'a">b\'>x/y</Type></Meta>'
    document = b'<?xml version="1.0" encoding="UTF-8"?><SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr>' + meta
    document += (
        b"</SyncHdr><SyncBody><Data>1 &lt; 2&#x20AC;<!-- no --><![CDATA[<&>]]]></Data><Final/></SyncBody></SyncML>"
    )
    expected = inside(
        _SYNC_ML,
        inside(_SYNC_HDR, inside(_META, leaf(_FORMAT, b"b64"), leaf(_TYPE, b"x/y"))),
        inside(_SYNC_BODY, leaf(_DATA, b"1 < 2\xe2\x82\xac<&>]"), leaf(_FINAL)),
    )
    check_document(XmlReader, document, expected)


def test_prefixes_and_unknown_elements():
    document = b'<s:SyncML xmlns:s="a"><s:Item ><x:y.z-1>t</x:y.z-1><Foo/></s:Item\n></s:SyncML>'
    check_document(XmlReader, document, inside(_SYNC_ML, inside(_ITEM, leaf(0, b"t"), leaf(0))))


def test_description_names_below_a_tree():
    """Add is 0x05 in a message and 0x207 in a description; a tree may be inside of a tree, or the root."""
    inner = b"<MgmtTree xmlns='syncml:dmddf1.2'><VerDTD>1.2</VerDTD><Node><Add/><MgmtTree/><MgmtTree><Add/></MgmtTree><Add/></Node>"
    tree = [leaf(0x237, b"1.2"), inside(0x224, leaf(0x207), leaf(0x220), inside(0x220, leaf(0x207)), leaf(0x207))]
    check_document(XmlReader, inner + b"</MgmtTree>", inside(0x220, *tree))
    document = b"<SyncML><Add>1</Add>" + inner + b"</MgmtTree><Add>2</Add></SyncML>"
    expected = inside(_SYNC_ML, leaf(_ADD, b"1"), inside(0x220, *tree), leaf(_ADD, b"2"))
    check_document(XmlReader, document, expected)


def test_what_may_stand_around_the_root():
    before = b'<!-- a > b --><!DOCTYPE SyncML PUBLIC "-//x>//" "y"><?go "?>\r\n'
    document = b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n" + before + b"<SyncML></SyncML>"
    check_document(XmlReader, document, leaf(_SYNC_ML))
    assert _read(document + b" \r\n\t<!-- </a> --><?bye?>\n") == leaf(_SYNC_ML)
    assert _read(b"<SyncML/>") == leaf(_SYNC_ML)


def test_text():
    assert _data(b"a&lt;b&gt;c&amp;d&quot;e&apos;f") == b"a<b>c&d\"e'f"
    assert _data(b"&#65;&#x41;&#x10FFFF;&#9;&#0000000065;") == b"AA\xf4\x8f\xbf\xbf\tA"
    assert _data(b"&#xAbC;") == chr(0xABC).encode()
    assert _data(b"&amp;&amp;amp;") == b"&&amp;"
    assert _data(b"a<!---->b<!-- <Data> & -->c<?x <y>&?>d") == b"abcd"
    assert _data(b"<![CDATA[]]>x<![CDATA[ a]]b]>c ]]]]><![CDATA[>]]>") == b"x a]]b]>c ]]>"
    assert _data(b" \r\n x \n") == b" \r\n x \n"
    assert _data(b"> \xc3\xa9 ' \"" * 200) == b"> \xc3\xa9 ' \"" * 200
    assert _data(b"<![CDATA[" + b"]" * 1000 + b"]]>") == b"]" * 1000


def test_ill_formed_text_is_refused():
    for text in _BAD_TEXT:
        refused(XmlReader, b"<SyncML>" + text + b"</SyncML>")


def test_ill_formed_markup_is_refused():
    for document in _BAD_MARKUP:
        refused(XmlReader, document)


def test_depth():
    for depth, document in ((64, b"<Item>" * 64 + b"</Item>" * 64), (64, b"<a>" * 63 + b"<b/>" + b"</a>" * 63)):
        assert len(_read(document)) == 2 * depth
    refused(XmlReader, b"<Item>" * 65 + b"</Item>" * 65)
    refused(XmlReader, b"<Item>" * 64 + b"<b/>" + b"</Item>" * 64)


def test_text_pieces_never_end_inside_an_entity():
    for shift in range(20):
        document = b"<a>" + b"." * shift + b"&amp;lt;&#x41;" * 40 + b"</a>"
        assert _read(document, 32, 5) == leaf(0, b"." * shift + b"&lt;A" * 40)


def test_a_long_document_through_a_small_window():
    document = b"<SyncML>" + b"<Item><Data>0123456789</Data></Item>\n" * 500 + b"</SyncML>"
    events = _read(document, 64, 64)
    assert events.count((TEXT, b"0123456789")) == 500
