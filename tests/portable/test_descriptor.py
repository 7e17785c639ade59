"""Download descriptors: what is read out of them, what is refused and with which numbers."""

from agent.descriptor import Descriptor
from agent.errors import PackageError
from tests.portable.web_script import TYPES, refused

BASE = "http://host/dir/fw.dd?x=1"
INNER = "<type>%s</type><size>1,000</size><objectURI>fw.fup</objectURI>" % TYPES[0]


def _media(inner, before="", after=""):
    return (before + "<media>" + inner + "</media>" + after).encode()


def _read(data, base=BASE, capacity=5000, piece=4096, length=-1):
    reader = Descriptor(base, length)
    at = 0
    while at < len(data):
        room = reader.room()
        count = min(len(room), piece, len(data) - at)
        assert count, "no room"
        room[:count] = data[at : at + count]
        reader.filled(count)
        at += count
    reader.read(capacity, TYPES)
    return reader


def _bad(data, dlota=906, fumo=405, **more):
    refused(lambda: _read(data, **more), fumo, dlota)


def test_all_of_it_however_it_is_cut():
    data = b"""<?xml version="1.0"?>\r\n<!-- what --><!DOCTYPE media SYSTEM "a>b">
    <d:media xmlns:d="http://www.openmobilealliance.org/xmlns/dd" a="/>">
      <d:type> Application/Vnd.Fumo-Agent.Package; a=b </d:type><type>text/plain</type>
      <size>\n1,234 </size><DDVersion>1.0</DDVersion><installParam/>
      <objectURI><![CDATA[/f?a=1&b]]>&amp;<!-- no -->c&#61;&#x32;</objectURI> stray text
      <name>Fi&lt;rm &gt;&quot;&apos;</name><vendor>\xc3\x84B</vendor>\n<description> a\n  b </description>
      <crc><deep><type>x/y</type></deep></crc><installNotifyURI>../notify</installNotifyURI>
    </d:media>\n<!-- end -->\n"""
    for before in (b"", b"\xef\xbb\xbf", b"\n "):
        for piece in (1, 7, 4096):
            for length in (-1, len(before + data), 100000):
                got = _read(before + data, piece=piece, length=length)
                assert got.types == ["Application/Vnd.Fumo-Agent.Package; a=b", "text/plain"]
                assert got.size == 1234 and got.object == "http://host/f?a=1&b&c=2"
                assert got.notify == "http://host/notify"
                question = got.question()
                assert question.text == "Fi<rm >\"'\n\u00c4B\na b\n2 KiB" and question.kind == 1101
                assert question.options == {} and question.choices == ()


def test_the_least():
    got = _read(_media(INNER))
    assert got.size == 1000 and got.object == "http://host/dir/fw.fup" and got.notify == ""
    assert got.question().text == "1 KiB"


def test_cut_off_anywhere_it_is_invalid():
    data = _media(INNER)
    for size in range(len(data)):
        _bad(data[:size])


_ILL_FORMED = (
    _media(INNER, "x"),
    _media(INNER, "", "x"),
    _media(INNER, "", "<media/>"),
    _media(INNER, "<![CDATA[]]>"),
    _media(INNER, "<!DOCTYPE media [<!ENTITY a 'b'>]>"),
    _media(INNER, "<!DOCTYPE media []>"),
    _media(INNER, "<!ELEMENT a>"),
    _media(INNER + "<a <></a>"),
    _media(INNER, "", "<!DOCTYPE media>"),
    _media(INNER + "<name>a<b>c</b></name>"),
    _media(INNER + "<infoURL><b/></infoURL>"),
    _media(INNER + "<name>&nbsp;</name>"),
    _media(INNER + "<name>&l</name>"),
    _media(INNER + "<name>&;</name>"),
    _media(INNER + "<name>&amp</name>"),
    _media(INNER + "<name>&#0;</name>"),
    _media(INNER + "<name>&#xD800;</name>"),
    _media(INNER + "<name>&#1_0;</name>"),
    _media(INNER + "<name>&#;</name>"),
    _media(INNER + "<name>&#x110000;</name>"),
    _media(INNER + "<name>&#9999999999;</name>"),
    _media(INNER + "<name>a</nam>"),
    _media(INNER + "< name>a</name>"),
    _media(INNER + "<name a='<'"),
    _media(INNER + "<name <b>"),
    _media(INNER + "<>"),
    _media(INNER + "</>"),
    _media(INNER + "<size>1000</size>"),
    _media(INNER) + b"</media>",
    _media(INNER + "<a>" * 16 + "</a>" * 16),
    _media(INNER + "<a>\x1b[2J</a>"),
    _media(INNER + "<a>\0</a>"),
    _media(INNER)[:-8] + b"<name>\xff</name></media>",
    b"<other>" + INNER.encode() + b"</other>",
    b"<html><body>Log in</body></html>",
    b"<",
    b"",
)


def test_ill_formed():
    for data in _ILL_FORMED:
        _bad(data)


def test_what_must_be_there():
    for part in ("type", "size", "objectURI"):
        start, end = "<%s>" % part, "</%s>" % part
        at, stop = INNER.index(start), INNER.index(end)
        _bad(_media(INNER[:at] + INNER[stop + len(end) :]))
        if part != "type":
            _bad(_media(INNER[: at + len(start)] + INNER[stop:]))
    for size in ("0", "-1", "+1", "1e3", "0x10", ",", "1 000", "12.5", "9999999999", "1073741824", "\u0661"):
        _bad(_media(INNER.replace("1,000", size)))
    assert _read(_media(INNER.replace("1,000", "1,073,741,823")), capacity=1 << 30).size == 0x3FFFFFFF


def test_its_size():
    data = _media(INNER)
    assert _read(_media(INNER + " " * (4096 - len(data)))).size == 1000
    _bad(_media(INNER + " " * (4097 - len(data))))
    for length in (-1, 4095, 4096, 1 << 30):
        assert 4096 <= len(Descriptor(BASE, length).room()) <= 4097
    assert len(Descriptor(BASE, 300).room()) == 301


def test_versions():
    for version in ("1.0", "1", "1.9", "", "01.0"):
        assert _read(_media(INNER + "<DDVersion>%s</DDVersion>" % version)).size == 1000
    for version in ("2.0", "0.9", "11", "x", "1x", "\u00b9"):
        _bad(_media(INNER + "<DDVersion>%s</DDVersion>" % version), 951)
    _bad(_media("<DDVersion>2.0</DDVersion><vendor><name>a</name></vendor><product/>"), 951)


def test_the_order_of_the_checks():
    other = INNER.replace(TYPES[0], "video/mp4")
    _bad(_media(other), 953)
    _bad(_media(other), 901, 501, capacity=999)
    _bad(_media("<DDVersion>2.0</DDVersion>" + other), 951, capacity=999)
    _bad(_media(other[6:]), 906, capacity=999)
    assert _read(_media(INNER), capacity=1000).size == 1000


def test_where_it_leads():
    def _leads(uri, base=BASE):
        return _read(_media(INNER.replace("fw.fup", uri)), base=base).object

    assert _leads("?a") == "http://host/dir/fw.dd?a"
    assert _leads("//other/x") == "http://other/x"
    assert _leads("https://other/x") == "https://other/x"
    assert _leads("http://other/x") == "http://other/x"
    assert _leads("x", "https://h/") == "https://h/x"
    assert _leads("http://host/" + 1012 * "a")
    for uri in ("ftp://host/x", "http://u@host/x", "http://host/\u00e4", "http://host/ x", "http:///x"):
        refused(lambda: _leads(uri), 411, 954)
    refused(lambda: _leads("http://host/" + 1013 * "a"), 411, 954)
    refused(lambda: _leads("http://host/x", "https://host/"), 411, 954)


def test_where_the_outcome_is_told():
    def _inner(uri):
        return INNER + "<installNotifyURI>%s</installNotifyURI>" % uri

    assert _read(_media(_inner("http://n/" + 246 * "a"))).notify == "http://n/" + 246 * "a"
    refused(lambda: _read(_media(_inner("http://n/" + 247 * "a"))), 411, 954)
    refused(lambda: _read(_media(_inner("tel:1"))), 411, 954)
    refused(lambda: _read(_media(_inner("http://host/n")), base="https://host/"), 411, 954)
    assert _read(_media(_inner(""))).notify == ""


def test_a_refused_descriptor_is_reported_too():
    head = "<installNotifyURI>n</installNotifyURI>"
    for inner in (head + "<DDVersion>3.0</DDVersion>", head, head + "<name><b/></name>", head + INNER + "</x>"):
        reader = Descriptor(BASE, -1)
        data = _media(inner)
        reader.room()[: len(data)] = data
        reader.filled(len(data))
        try:
            reader.read(5000, TYPES)
            assert False, inner
        except PackageError:
            assert reader.notify == "http://host/dir/n"


def test_what_is_shown_is_bounded():
    long = "".join(["<%s>%s</%s>" % (name, "\u00e4" * 500, name) for name in ("name", "vendor", "description")])
    assert len(_read(_media(INNER + long)).question().text) <= 512
