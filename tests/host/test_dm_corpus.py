"""The corpus of messages covers what it says, and the tools of other people turn it into WBXML and back unchanged."""

import re

import pytest
from lxml import etree

from tests.data import dm_messages
from tests.dm import corpus
from tests.dm.message import Message, check_structure, parse
from tests.dm.to_xml import Unavailable, by_tshark, to_xml

DM, XML = "application/vnd.syncml.dm+wbxml", "application/vnd.syncml.dm+xml"
NO_WBXML = "unknown elements"  # the tool writes LITERAL only into string tables


def _or_skip(act, *args, **options):
    try:
        return act(*args, **options)
    except Unavailable as e:
        pytest.skip(str(e))


def _canonical(xml):
    return etree.tostring(corpus.tidy(xml), method="c14n").decode()


def _elements():
    """Return (page, name) of every element of all messages."""
    for _, _, xml in corpus.MESSAGES:
        for node in corpus.tidy(xml).iter("*"):
            name = etree.QName(node)
            yield (dm_messages.NS, dm_messages.MI, dm_messages.DDF).index(name.namespace), name.localname


def test_it_is_large_and_varied():
    assert len(corpus.MESSAGES) >= 60
    assert len(corpus.XML) == len(corpus.NOTES) == len(corpus.MESSAGES)
    assert len({xml for _, _, xml in corpus.MESSAGES}) == len(corpus.MESSAGES)
    assert {direction for _, direction, _ in corpus.MESSAGES} == {"c", "s", "t"}


def test_every_element_of_the_tables_occurs():
    found = set(_elements())
    missing = [
        (page, name) for page, names in enumerate(corpus.PAGES) for name in sorted(names) if (page, name) not in found
    ]
    assert missing == []
    assert [len(names) for names in corpus.PAGES] == [55, 18, 56]


def test_every_alert_code_and_authentication_occurs():
    everything = "".join(xml for _, _, xml in corpus.MESSAGES)
    codes = set(re.findall(r"<Data>(1[12]\d\d)</Data>", everything))
    assert codes >= {"1100", "1101", "1102", "1103", "1104", "1200", "1201", "1222", "1223", "1224", "1225", "1226"}
    assert set(re.findall("syncml:auth-([A-Za-z0-9]+)", everything)) == {"basic", "md5", "MAC"}


@pytest.mark.parametrize("name", [name for name, direction, _ in corpus.MESSAGES if direction == "c"])
def test_what_clients_send_is_by_the_book(name):
    root = parse(corpus.XML[name].encode(), comments=True)
    check_structure(root)
    assert Message(root).all


@pytest.mark.parametrize("name", [name for name, direction, _ in corpus.MESSAGES if direction == "s"])
def test_what_servers_send_can_be_read(name):
    assert Message(parse(corpus.XML[name].encode())).all


@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize("name", [name for name, _, _ in corpus.MESSAGES if name != NO_WBXML])
def test_wbxml_and_back(name, table):
    made = _or_skip(corpus.wbxml, name, table=table)
    assert made[:1] == b"\x02" and not made.startswith(b"<")
    assert _canonical(_or_skip(to_xml, made, DM).decode()) == _canonical(corpus.XML[name])


@pytest.mark.parametrize("name", ["worked example", "awkward characters", "Inbox", "all of MetInf", "first piece"])
def test_both_tools_agree(name):
    made = _or_skip(corpus.wbxml, name, table=True)
    assert _canonical(_or_skip(by_tshark, made).decode()) == _canonical(corpus.XML[name])


def test_literals_cannot_be_had():
    with pytest.raises(ValueError):
        _or_skip(corpus.wbxml, NO_WBXML)


def _item(content):
    """Return WBXML with one Data of the given tokens, in a document with the textual identifier of Samsung's form."""
    return (
        bytes.fromhex("020000 6a1d") + b"-//SYNCML//DTD SyncML 1.2//EN" + b"\x6d\x6b\x45\x54\x4f" + content + b"\1" * 5
    )


@pytest.mark.parametrize(
    ("tokens", "data", "opaque"),
    [
        (b"\x03abc\0", "abc", False),
        (b"\xc3\x06\0\1A\xff<C", "AAFB/zxD", True),
        (b"\xc3\x03a\0b", "YQBi", True),
        (b"\x03ab\0\x03]]>\0", "ab]]>", False),
        (b"\x03a<b\0\xc3\x02c&", "a<bc&", False),
        (b"\x03a\r\nb\0", "YQ0KYg==", True),
        (b"\xc3\x81\x00" + b"x" * 128, "x" * 128, False),
    ],
)
def test_text_that_is_hard_for_xml(tokens, data, opaque):
    node = etree.fromstring(_or_skip(to_xml, _item(tokens), DM)).find(".//{*}Data")
    assert (node.text, node.get("opaque") == "base64") == (data, opaque)


@pytest.mark.parametrize(
    "body", [b"", b"<SyncML/>", b"\2", b"\2\0\0\x6a\5abc", _item(b"\3abc\0")[:-1], b"\2\xa4\1\x6a\0\x7f\x7f"]
)
def test_what_is_no_wbxml(body):
    with pytest.raises(ValueError):
        _or_skip(to_xml, body, DM)


def test_xml_passes_through():
    assert to_xml(b"<anything", XML) == b"<anything"


@pytest.mark.parametrize(("name", "reason", "body"), corpus.ILL_FORMED)
def test_ill_formed(name, reason, body):
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(body)


@pytest.mark.parametrize(("name", "reason", "body"), corpus.REFUSED)
def test_refused_is_well_formed(name, reason, body):
    assert etree.fromstring(body, etree.XMLParser(resolve_entities=False)) is not None and b"[<!ENTITY" in body
