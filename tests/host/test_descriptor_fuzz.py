"""Descriptors from a hostile server: whatever the bytes, only PackageError comes out; what is well-formed reads as lxml does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.descriptor import Descriptor
from agent.errors import PackageError

BASE = "https://host/dir/fw.dd"
TYPE = "application/octet-stream"
GOOD = b"""<?xml version="1.0"?><!DOCTYPE media><d:media xmlns:d="http://www.openmobilealliance.org/xmlns/dd" a='>'>
<d:type>application/octet-stream</d:type><size>1,234</size><objectURI><![CDATA[fw.fup?a&b]]></objectURI>
<name>A&amp;&#x42;</name><!-- c --><other><deep/></other><DDVersion>1.0</DDVersion>
<installNotifyURI>/n</installNotifyURI></d:media>"""
_TOKENS = [
    b"<",
    b">",
    b"/",
    b"</",
    b"/>",
    b"&",
    b";",
    b"&#",
    b"&#x",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?",
    b"?>",
]
_TOKENS += [
    b"<!DOCTYPE",
    b"[",
    b"'",
    b'"',
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b" ",
    b"media",
    b"size",
    b"name",
    b"0",
    b"9" * 40,
]


def _read(data, piece=4096):
    reader = Descriptor(BASE, -1)
    at = 0
    while at < len(data):
        room = reader.room()[:piece]
        part = data[at : at + len(room)]
        room[: len(part)] = part
        reader.filled(len(part))
        at += len(part)
    reader.read(100000, (TYPE,))
    return reader


def _survives(data, piece=4096):
    try:
        reader = _read(data, piece)
    except PackageError as e:
        assert (e.code, e.dlota) in ((405, 906), (405, 951), (405, 953), (411, 954), (501, 901))
        assert str(e)
        return None
    assert 0 < reader.size <= 100000 and reader.object.startswith("https://")
    assert reader.notify == "" or reader.notify.startswith("https://") and len(reader.notify) <= 255
    assert len(reader.question().text) <= 512
    return reader


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=5000), st.integers(1, 5000))
def test_noise(data, piece):
    _survives(data, piece)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(_TOKENS) | st.binary(max_size=3), max_size=60))
def test_noise_of_markup(parts):
    _survives(b"".join(parts))
    _survives(b"<media>" + b"".join(parts) + b"</media>")


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_changed(data):
    changed = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        at, stop = sorted((data.draw(st.integers(0, len(changed))), data.draw(st.integers(0, len(changed)))))
        part = data.draw(st.sampled_from(_TOKENS) | st.binary(max_size=2))
        changed[at : min(stop, at + data.draw(st.integers(0, 3)))] = part
    _survives(bytes(changed))


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",)), max_size=80), st.booleans())
def test_texts_read_as_another_parser_reads_them(text, numeric):
    etree = pytest.importorskip("lxml.etree")
    if any(ord(char) & 0xFFFE == 0xFFFE for char in text):
        return
    root = etree.Element("media")
    for name, value in (("type", TYPE), ("size", "5"), ("objectURI", "x"), ("name", text)):
        etree.SubElement(root, name).text = value
    written = etree.tostring(root, encoding="us-ascii" if numeric else "utf-8")
    shown = _read(written).question().text.rpartition("\n")[0]
    assert shown == " ".join(etree.fromstring(written).findtext("name").split())[:96]


def test_the_good_one():
    reader = _survives(GOOD)
    assert (reader.size, reader.object, reader.notify) == (1234, "https://host/dir/fw.fup?a&b", "https://host/n")
    assert reader.question().text == "A&B\n2 KiB"
