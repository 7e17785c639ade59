"""The server's bytes: every style that it writes is read back, and broken bytes get an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flash_tools.server.dm.codec import WBXML, XML, CodecError, Style, decode, encode
from flash_tools.server.dm.commands import Add, Item
from flash_tools.server.dm.element import Element, leaf, node
from tests.host.server_client import Client, serve

SAMPLE = node(
    "SyncML",
    node("SyncHdr", leaf("VerDTD", "1.2"), node("Target", leaf("LocURI", "./a")), node("Meta", leaf("MaxMsgSize", 9))),
    node(
        "SyncBody",
        node("Get", leaf("CmdID", 1), node("Item", node("Target", leaf("LocURI", "./a")))),
        node("Add", node("Item", node("Meta", leaf("Format", "chr"), leaf("Type", "a/b")), leaf("Data", "x<&]]>ä"))),
        node("Status", node("Item", Element("Data")), leaf("Data", 200)),
        Element("Final"),
    ),
)
STYLES = [
    Style(header=header, pages=pages) for header in ("numeric", "textual", "table") for pages in ("lazy", "eager")
]
STYLES += [Style(opaque="always"), Style(long_empty=True), Style(version=3)]
XML_STYLES = [Style(namespaces=name) for name in ("child", "parent", "absent", "prefixed")]
XML_STYLES += [Style(cdata=True), Style(blanks=True), Style(comments=True), Style(doctype=True), Style(long_empty=True)]


@pytest.mark.parametrize("style", STYLES)
def test_wbxml_styles(style):
    assert decode(encode(SAMPLE, WBXML, style), WBXML) == SAMPLE


@pytest.mark.parametrize("style", XML_STYLES)
def test_xml_styles(style):
    read = decode(encode(SAMPLE, XML, style), XML)
    for element in read.walk():
        if element.tag_name != "Data" and element.text:
            element.text = element.text.strip()
    assert read == SAMPLE


def test_wbxml_by_hand():
    small = node("SyncML", node("SyncHdr", node("Meta", leaf("Type", "t")), leaf("MsgID", 1)), Element("SyncBody"))
    assert encode(small, WBXML) == bytes.fromhex("02A4016A00 6D6C 5A 0001 53 037400 01 01 0000 5B 033100 01 01 2B 01")
    textual = encode(small, WBXML, Style(header="textual"))
    assert textual.startswith(bytes.fromhex("0200006A1D") + b"-//SYNCML//DTD SyncML 1.2//EN\x6d")
    assert b"\x57\x83\x00\x01" in encode(SAMPLE, WBXML, Style(header="table"))
    assert encode(node("Add", leaf("Data", b"\0\xff")), WBXML).endswith(bytes.fromhex("45 4F C3 02 00FF 01 01"))


def test_the_reply_is_encoded_as_the_request():
    server, policy = serve([Add(Item("./b", b"\0\1", format="bin"))])
    message = decode(_package_one(), XML)
    reply = server.handle(encode(message, WBXML), WBXML + ";charset=utf-8")
    item = decode(reply.body, reply.content_type).find("SyncBody", "Add", "Item")
    assert reply.content_type == WBXML and item.data("Data") == b"\0\1" and item.value("Meta", "Format") == "bin"


def _package_one():
    client = Client(serve()[0], "77")
    client.start()
    return client.body


@pytest.mark.parametrize("body", [b"", b"<SyncML/>", b"<a>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<a/>" * 2])
def test_broken_bodies(body):
    server, policy = serve()
    assert server.handle(body, XML).status == 400
    assert server.handle(body, WBXML).status == 400
    assert server.handle(body, "text/html").status == 400


def test_too_long_a_body():
    assert serve()[0].handle(b" " * 70000, XML).status == 413


def test_cut_short_everywhere():
    for kind in (XML, WBXML):
        whole = encode(SAMPLE, kind)
        for size in range(len(whole)):
            with pytest.raises(CodecError):
                decode(whole[:size], kind)


@given(st.binary(max_size=60), st.integers(0, 400), st.sampled_from([XML, WBXML]))
def test_any_bytes_get_a_reply(noise, at, kind):
    server, policy = serve()
    message = encode(decode(_package_one(), XML), kind)
    reply = server.handle(message[:at] + noise + message[at + len(noise) :], kind, {"x-syncml-hmac": "a=b"})
    assert reply.status in (200, 400)
