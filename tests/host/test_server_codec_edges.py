"""The server's codec where its short ways end: each letter that XML escapes alone, and the limits of WBXML."""

import pytest

from flash_tools.server.dm.codec import MAX_DEPTH, WBXML, XML, CodecError, Style, decode, encode
from flash_tools.server.dm.element import Element, leaf, meta, node
from flash_tools.server.dm.outbox import _bound

_HEAD = bytes.fromhex("02a4016a00")


@pytest.mark.parametrize("kind", [XML, WBXML])
@pytest.mark.parametrize("text", ["&", "<", ">", "\r", "é", "a", "]]>", "&amp;"])
def test_each_letter_comes_back(kind, text):
    for name in ("Data", "LocURI"):
        tree = node("SyncML", leaf(name, text))
        assert decode(encode(tree, kind), kind) == tree


def test_bytes_that_are_no_text_are_opaque():
    assert decode(encode(node("SyncML", leaf("Data", b"\xff\0")), WBXML), WBXML).find("Data").opaque
    assert decode(encode(node("SyncML", leaf("Data", b"\xff")), XML), XML).value("Data") == "\ufffd"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("6d", "ends early"),
        ("6d4f03", "without end"),
        ("01", "END outside"),
        ("ed01", "attributes"),
        ("6d04", "token 04"),
        ("6d4fc3057801", "ends early"),
        ("6d83", "ends early"),
        ("6d8305", "string table"),
        ("6d0101", "after the root"),
        ("6d" * MAX_DEPTH, "too deep"),
        ("6d" + "0f" * 16384 + "01", "too many"),
    ],
)
def test_broken_wbxml_is_named(body, says):
    with pytest.raises(CodecError, match=says):
        decode(_HEAD + bytes.fromhex(body), WBXML)


def test_the_deepest_that_is_read():
    depth = MAX_DEPTH - 1
    assert decode(_HEAD + b"\x6d" * depth + b"\x0f" + b"\x01" * depth, WBXML).tag_name == "SyncML"


def test_what_no_text_can_hold():
    with pytest.raises(CodecError):
        decode(bytes.fromhex("02A4016A006D02BFFFFFFF7F01"), WBXML)  # a character beyond all
    for name in ("unicode_escape", "utf-7", "cp037", "x" * 4000):
        with pytest.raises(CodecError, match="encoding"):
            decode(b'<?xml version="1.0" encoding="%s"?><SyncML/>' % name.encode(), XML)
    assert (
        decode('<?xml version="1.0" encoding="UTF-16"?><SyncML>\u20ac</SyncML>'.encode("utf-16"), XML).text
        == "\u20ac".encode()
    )


@pytest.mark.parametrize("kind", [XML, WBXML])
@pytest.mark.parametrize("namespaces", ["child", "parent", "absent", "prefixed"])
@pytest.mark.parametrize("cdata", [False, True])
def test_the_bound_of_a_size_holds_in_every_style(kind, namespaces, cdata):
    rich = {"comments": True, "blanks": True, "doctype": True, "long_empty": True, "pages": "eager", "opaque": "always"}
    for header, more in (("numeric", {}), ("textual", rich), ("table", rich)):
        style = Style(header=header, namespaces=namespaces, cdata=cdata, **more)
        for text in ("", "a", "&" * 50, "]]>" * 20, "\r" * 30, "\u20ac"):
            item = node("Item", node("Target", leaf("LocURI", text)), meta(Format=text, Type=text), leaf("Data", text))
            tree = node("SyncML", node("SyncBody", node("Add", *[item] * 3), Element("Final")))
            assert len(encode(tree, kind, style)) <= _bound(tree)
